// Runs a command for the build scripts: keeps what it printed, and ends it (with everything it started) once it has
// been silent for longer than allowed. Plain Node, no dependencies, so that it works before anything is installed.
import { spawn } from 'node:child_process'

const running = new Set()

function endGroup(child) {
  try {
    // The whole group: cargo has children of its own. Windows has no groups; there the child alone is ended.
    process.platform === 'win32' ? child.kill('SIGKILL') : process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It ended by itself in between.
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  // Own process groups do not hear the terminal's Ctrl-C.
  process.once(signal, () => {
    for (const child of running) endGroup(child)
    process.exit(1)
  })
}

/**
 * Resolves (never rejects) with { code, stdout, stderr, error, silent }: `code` null when the command did not start or
 * was ended; `silent` true when it printed nothing for `silence` milliseconds (0: never ended).
 */
export function runQuietly(command, args, { cwd, env, silence = 0 } = {}) {
  return new Promise((resolve) => {
    let stdout = ''
    let stderr = ''
    let silent = false
    let timer
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
    })
    running.add(child)
    const restart = () => {
      if (silence === 0) return
      clearTimeout(timer)
      timer = setTimeout(() => {
        silent = true
        endGroup(child)
      }, silence)
    }
    const finish = (code, error) => {
      clearTimeout(timer)
      running.delete(child)
      resolve({ code, stdout, stderr, error, silent })
    }
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text
      restart()
    })
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text
      restart()
    })
    child.once('error', (error) => finish(null, error))
    child.once('close', (code) => finish(code))
    restart()
  })
}
