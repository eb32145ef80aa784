// A Fastify server on one thread that keeps users in memory.
//
//   node examples/fastify-single.mjs             asks itself a few things, checks the answers and ends
//   PORT=3000 node examples/fastify-single.mjs   stays up: curl http://127.0.0.1:3000/users/1
//
// On one thread a shared cache has no sharing to offer. What it still gives over a Map or lru-cache: memory that is bounded in bytes and lies
// outside the V8 heap, and values that no caller can change under another one. If you need neither, take lru-cache.
import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import Fastify from 'fastify'
import { createCache } from 'ostraka'

const cache = createCache({ name: 'users', maxBytes: '32mb', ttl: '5m' })

// Stands for a database.
const rows = new Map([['1', { id: '1', name: 'Ada' }]])
let queries = 0
async function findUser(id) {
  queries++
  await wait(5)
  return rows.get(id)
}

const app = Fastify()

// One query for a user, however many requests want him at the same time.
const getUser = (id) =>
  cache.getOrSet(`user:${id}`, async ({ setTtl }) => {
    const user = await findUser(id)
    if (user) return user
    // null is a value: that there is no such user is worth remembering, for less long.
    setTtl('10s')
    return null
  })

app.get('/users/:id', async (request, reply) => {
  const user = await getUser(request.params.id)
  return user ?? reply.code(404).send({ error: 'no such user' })
})

app.put('/users/:id', async (request) => {
  const { id } = request.params
  rows.set(id, { id, name: request.body.name })
  // After this line no new request gets the old one, not even from a query that is under way.
  cache.delete(`user:${id}`)
  return rows.get(id)
})

app.addHook('onClose', () => cache.close())

if (process.env.PORT) {
  console.log(await app.listen({ port: Number(process.env.PORT) }))
} else {
  const get = async (id) => (await app.inject(`/users/${id}`)).json()
  const ada = { id: '1', name: 'Ada' }
  assert.deepEqual(await Promise.all([get('1'), get('1'), get('1')]), [ada, ada, ada])
  assert.equal(queries, 1, 'three requests at once, one query')
  assert.deepEqual(await get('1'), ada)
  assert.equal(queries, 1, 'and the next one is answered from the cache')
  await app.inject({ method: 'PUT', url: '/users/1', payload: { name: 'Grace' } })
  assert.deepEqual(await get('1'), { id: '1', name: 'Grace' })
  assert.deepEqual([await get('2'), await get('2')], [{ error: 'no such user' }, { error: 'no such user' }])
  assert.equal(queries, 3, 'an absent user was looked for once')
  console.log(`ok: 7 reads, ${queries} queries`)
  await app.close()
}
