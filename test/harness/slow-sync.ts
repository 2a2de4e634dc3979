// SPDX-License-Identifier: Apache-2.0
// Builds the preloaded library slow-sync.c and speaks to it.
import { execFile } from 'node:child_process'
import { access, mkdir, rename, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

/** Compiles into `folder` with gcc; gives the environment that preloads it. */
export async function slowSync(
  folder: string,
  options: { delayUs?: number; crashFile?: string },
): Promise<Record<string, string>> {
  await mkdir(folder, { recursive: true })
  const library = join(folder, 'slow-sync.so')
  const there = await access(library).then(
    () => true,
    () => false,
  )
  if (!there) {
    const source = resolve(import.meta.dirname, 'slow-sync.c')
    await promisify(execFile)('gcc', ['-O2', '-shared', '-fPIC', '-o', library, source, '-ldl'])
  }
  return {
    LD_PRELOAD: library,
    ...(options.delayUs === undefined ? {} : { SYNC_DELAY_US: String(options.delayUs) }),
    ...(options.crashFile === undefined ? {} : { SYNC_CRASH: options.crashFile }),
  }
}

/** The process that was given `crashFile` ends by SIGKILL at its next sync of a file whose path contains `part`. */
export async function crashAtSync(crashFile: string, where: 'before' | 'after', part: string): Promise<void> {
  await writeFile(`${crashFile}.new`, `${where} ${part}\n`)
  await rename(`${crashFile}.new`, crashFile)
}
