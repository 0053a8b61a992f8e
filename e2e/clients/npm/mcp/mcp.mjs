// Connects to an MCP server with the TypeScript SDK, from a call without a token to the result of a tool. The settings
// come as the first line of standard input. When a browser is needed, {"open": URL} goes out and the URL at which the
// browser left the provider comes back.
import { createInterface } from 'node:readline'
import assert from 'node:assert/strict'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (message) => process.stdout.write(JSON.stringify(message) + '\n')
const hear = async () => (await lines.next()).value
const settings = JSON.parse(await hear())

let information, tokens, verifier, left
let visits = 0
const provider = {
  redirectUrl: settings.redirectURI,
  clientMetadataUrl: settings.document,
  clientMetadata: {
    client_name: 'TypeScript SDK', redirect_uris: [settings.redirectURI], response_types: ['code'],
    grant_types: ['authorization_code', 'refresh_token'], token_endpoint_auth_method: 'none',
  },
  state: () => 'state-of-this-browser',
  clientInformation: () => information,
  saveClientInformation: (i) => { information = i },
  tokens: () => tokens,
  saveTokens: (t) => { tokens = t },
  codeVerifier: () => verifier,
  saveCodeVerifier: (v) => { verifier = v },
  redirectToAuthorization: async (url) => {
    visits++
    say({ open: url.href })
    left = new URL(await hear())
  },
}

const connect = async () => {
  const client = new Client({ name: 'test', version: '1' })
  const transport = new StreamableHTTPClientTransport(new URL(settings.server), { authProvider: provider })
  try {
    await client.connect(transport)
  } catch (e) {
    if (!(e instanceof UnauthorizedError)) throw e
    assert.equal(left.searchParams.get('state'), 'state-of-this-browser')
    await transport.finishAuth(left.searchParams.get('code'))
    return connect()
  }
  return client
}

const adds = async () => {
  const client = await connect()
  const result = await client.callTool({ name: 'add', arguments: { a: 2, b: 3 } })
  assert.equal(result.content[0].text, '5')
  await client.close()
}

await adds()
assert.equal(visits, 1)
if (settings.document) assert.equal(information.client_id, settings.document)
// Its access token ends, and it gets others without a browser.
const first = tokens.refresh_token
tokens = { ...tokens, access_token: 'ended' }
await adds()
assert.equal(visits, 1)
assert.notEqual(tokens.refresh_token, first)
say({ done: true })
process.exit(0)
