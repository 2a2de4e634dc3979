// SPDX-License-Identifier: Apache-2.0
// The directory's end of the way to its helpers, towards a played one.
import type { Engine } from '../../components/directory/engine.ts'
import { type HelperEvents, openHelpers } from '../../components/directory/helpers.ts'
import type { DirectoryStore } from '../../components/directory/storage/directory-store.ts'
import { createRouter } from '../../components/kit/router/create-router.ts'
import { openStream } from '../../components/kit/stream/open-stream.ts'
import type { FakeHelper } from './fake-helper.ts'

export const DOMAIN = 'directory.corp.example'
const QUIET = { info: () => {}, warn: () => {}, error: () => {} }
export const NO_EVENTS: HelperEvents = {
  handed: () => {},
  failed: () => {},
  leftOut: () => {},
  putOut: () => {},
  cutRoom: () => {},
}

export function connect(
  fake: FakeHelper,
  engine: Engine,
  store: DirectoryStore,
  hosts: readonly string[],
  told = NO_EVENTS,
) {
  const router = createRouter(
    {
      domain: DOMAIN,
      routes: [],
      identity: { category: 'directory', type: 'user', name: 'test' },
      software: { name: 'test', version: '1' },
      log: QUIET,
    },
    (events) =>
      openStream(
        {
          host: '127.0.0.1',
          port: fake.port,
          domain: DOMAIN,
          secret: 's',
          log: QUIET,
          backoff: { firstMs: 10, mostMs: 20 },
        },
        { ...events, up: () => helpers.wake() },
      ),
  )
  const helpers = openHelpers({
    hosts,
    store,
    stateId: engine.stateId,
    policy: { cap: 2_000, deleted: 'back', presencePerSecond: 500 },
    wallReason: 'A wall & more',
    request: (host, payload, type, timeoutMs) => router.request(host, payload, { type, timeoutMs }),
    current: () => engine.seq,
    told,
    now: Date.now,
    signal: new AbortController().signal,
  })
  return {
    helpers,
    async [Symbol.asyncDispose]() {
      await helpers[Symbol.asyncDispose]()
      await router.stream[Symbol.asyncDispose]()
    },
  }
}
