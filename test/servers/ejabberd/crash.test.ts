// SPDX-License-Identifier: Apache-2.0
// ejabberd killed at the named points of mod_gatehouse: test/servers/both/crash.ts.
import { join } from 'node:path'
import { crash } from '../both/crash.ts'
import { noEjabberd, openGated } from './gated.ts'

const PLUGINS = join(import.meta.dirname, 'plugins')

crash({ skip: noEjabberd }, async (at, folder, options) => {
  const gated = await openGated({
    folder,
    keepFolder: true,
    options,
    modules: { mod_gatehouse_points: { crash_at: at } },
    settings: { sources: [PLUGINS] },
  })
  return { ...gated, server: gated.ejabberd, [Symbol.asyncDispose]: () => gated[Symbol.asyncDispose]() }
})
