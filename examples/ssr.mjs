// Server-side rendering with cached fragments: a page is put together from parts that change at different times, and only what has changed
// is rendered again. Plain template strings stand for React, Vue or Svelte: what is cached is the string they render to.
//
//   node examples/ssr.mjs             asks itself a few things, checks the answers and ends
//   PORT=3000 node examples/ssr.mjs   stays up: http://127.0.0.1:3000/articles/1
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createCache } from 'ostraka'

const cache = createCache({ name: 'ssr', maxBytes: '64mb' })
// A namespace is a view with keys and defaults of its own; `fragments.clear()` leaves everything else alone.
const fragments = cache.namespace('fragments', { ttl: '10m', ttlJitter: 0.1 })

const articles = new Map([['1', { id: '1', title: 'Potsherds', text: 'Ostraka were ballots.' }]])
const rendered = { navigation: 0, article: 0 }

const escapeHtml = (text) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

// Rendered unless its HTML is there. Strings come out of shared memory without decoding. What is shown where is said by tags.
const navigation = (language) =>
  fragments.getOrSet(
    `navigation:${language}`,
    () => {
      rendered.navigation++
      return `<nav lang="${language}">${[...articles.values()].map(({ title }) => escapeHtml(title)).join(' ')}</nav>`
    },
    { tags: ['titles'] },
  )

const article = (id) =>
  fragments.getOrSet(
    `article:${id}`,
    () => {
      rendered.article++
      const { title, text } = articles.get(id)
      return `<article><h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p></article>`
    },
    // For a day after its hour the old one is served, where a new one takes longer than 20 ms or cannot be made.
    { ttl: '1h', grace: '1d', softTimeout: '20ms', tags: [`article:${id}`] },
  )

const server = createServer(async (request, response) => {
  const id = /^\/articles\/(\w+)$/.exec(request.url)?.[1]
  if (!articles.has(id)) {
    response.writeHead(404).end()
    return
  }
  const parts = await Promise.all([navigation('en'), article(id)])
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
  response.end(`<!doctype html>${parts.join('')}`)
})

server.listen(Number(process.env.PORT ?? 0), '127.0.0.1')
await once(server, 'listening')
const address = `http://127.0.0.1:${server.address().port}`
console.log(`listening: ${address}/articles/1`)

if (!process.env.PORT) {
  const page = async (id) => (await fetch(`${address}/articles/${id}`)).text()
  const before = await page('1')
  assert.equal(await page('1'), before)
  assert.deepEqual(rendered, { navigation: 1, article: 1 }, 'the second page was put together from the cache')

  articles.set('1', { id: '1', title: 'Potsherds', text: 'Ostraka were ballots & notes.' })
  await fragments.invalidateTags(['article:1'])
  assert.match(await page('1'), /ballots &#38; notes/)
  assert.deepEqual(rendered, { navigation: 1, article: 2 }, 'only the article was rendered again')

  articles.set('2', { id: '2', title: 'Amphorae', text: 'Jars.' })
  await fragments.invalidateTags(['titles'])
  assert.match(await page('2'), /Potsherds Amphorae/)
  console.log(`ok: 4 pages, ${rendered.navigation} navigations and ${rendered.article} articles rendered`)
  server.close()
  server.closeAllConnections()
  await cache.close()
}
