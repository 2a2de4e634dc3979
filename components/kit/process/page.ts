// SPDX-License-Identifier: Apache-2.0
// The page for machines that watch: /metrics, /healthz, /readyz, on a loopback address only.
import { createServer, type Server } from 'node:http'
import type { OpenMetrics } from './metrics.ts'

export type Page = AsyncDisposable & { port: number }

/**
 * `healthy` and `ready` give null when well, else what is wrong; then the answer is 503 with that text. Whoever is ready and warns
 * of something says so in the body of /readyz, with 200.
 */
export async function openPage(
  address: string,
  port: number,
  metrics: OpenMetrics,
  state: { healthy(): string | null; ready(): string | null; warnings(): readonly string[] },
): Promise<Page> {
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 5_000, connectionsCheckingInterval: 1_000 },
    (request, response) => {
      const answer = (status: number, text: string, type = 'text/plain; charset=utf-8') =>
        response.writeHead(status, { 'content-type': type }).end(text)
      const tell = (wrong: string | null, warnings: readonly string[] = []) =>
        answer(
          wrong === null ? 200 : 503,
          `${wrong ?? ['ok', ...warnings.map((one) => `warning: ${one}`)].join('\n')}\n`,
        )
      if (request.method !== 'GET') return answer(405, 'GET is wanted\n')
      if (request.url === '/healthz') return tell(state.healthy())
      if (request.url === '/readyz') return tell(state.ready(), state.warnings())
      if (request.url !== '/metrics') return answer(404, '/metrics, /healthz and /readyz are here\n')
      metrics.page().then(
        (text) => answer(200, text, metrics.contentType),
        (fault) => answer(500, `${String(fault)}\n`),
      )
    },
  )
  server.maxConnections = 64
  await listening(server, () => server.listen(port, address))
  const bound = server.address()
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    [Symbol.asyncDispose]: () => closed(server),
  }
}

/** Resolves when the server listens, rejects when it cannot. */
export function listening(server: Server, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', () => {
      server.off('error', reject)
      resolve()
    })
    listen()
  })
}

/** Ends every connection and resolves when the server is closed. */
export function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
