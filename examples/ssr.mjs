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

const articles = new Map([['1', { id: '1', title: 'Potsherds', text: 'Ostraka were ballots.', changed: 1 }]])
const rendered = { navigation: 0, article: 0 }

const escapeHtml = (text) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

// Renders a fragment unless its HTML is there. Strings come out of shared memory without decoding.
function fragment(key, render, options) {
  const known = fragments.get(key)
  if (known !== undefined) return known
  const html = render()
  fragments.set(key, html, options)
  return html
}

const navigation = (language) =>
  fragment(`navigation:${language}`, () => {
    rendered.navigation++
    return `<nav lang="${language}">${[...articles.values()].map(({ title }) => escapeHtml(title)).join(' ')}</nav>`
  })

// The key says which version it shows: an article that has changed is another fragment, and the old one is evicted for want of use.
const article = ({ id, title, text, changed }) =>
  fragment(
    `article:${id}:${changed}`,
    () => {
      rendered.article++
      return `<article><h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p></article>`
    },
    { ttl: '1d' },
  )

const server = createServer((request, response) => {
  const found = articles.get(/^\/articles\/(\w+)$/.exec(request.url)?.[1])
  if (found === undefined) {
    response.writeHead(404).end()
    return
  }
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
  response.end(`<!doctype html>${navigation('en')}${article(found)}`)
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

  articles.set('1', { id: '1', title: 'Potsherds', text: 'Ostraka were ballots & notes.', changed: 2 })
  assert.match(await page('1'), /ballots &#38; notes/)
  assert.deepEqual(rendered, { navigation: 1, article: 2 }, 'only the article was rendered again')

  articles.set('2', { id: '2', title: 'Amphorae', text: 'Jars.', changed: 3 })
  fragments.delete('navigation:en')
  assert.match(await page('2'), /Potsherds Amphorae/)
  console.log(`ok: 4 pages, ${rendered.navigation} navigations and ${rendered.article} articles rendered`)
  server.close()
  server.closeAllConnections()
  await cache.close()
}
