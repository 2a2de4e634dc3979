// SPDX-License-Identifier: Apache-2.0
// Another process with the store: node store-child.ts PATH. Keeps one text after the other and tells each that was kept.
import { openStore } from '../../../components/kit/store/store.ts'
import type { CrashOperations } from './crash-worker.ts'

const store = await openStore<CrashOperations>(new URL('./crash-worker.ts', import.meta.url), {
  path: process.argv[2] ?? '',
})
const one = async (): Promise<void> => {
  for (;;) {
    await store.write('keep', { text: 'x' })
    process.send?.('kept')
  }
}
await Promise.all(Array.from({ length: 8 }, one))
