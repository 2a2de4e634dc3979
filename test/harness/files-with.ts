// SPDX-License-Identifier: Apache-2.0
// Which files of a folder hold a word, as grep -r would find them.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Paths within the folder, sorted. A file that is renamed meanwhile is looked for under its new name: all are read again. */
export function filesWith(folder: string, word: string): string[] {
  for (;;) {
    const paths = readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true })
      .filter((one) => one.isFile())
      .map((one) => join(one.parentPath, one.name))
    try {
      return paths
        .filter((path) => readFileSync(path).includes(word))
        .map((path) => relative(folder, path))
        .sort()
    } catch (fault) {
      if (!(fault instanceof Error && 'code' in fault && fault.code === 'ENOENT')) throw fault
    }
  }
}
