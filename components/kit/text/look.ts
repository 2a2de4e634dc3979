// SPDX-License-Identifier: Apache-2.0
// What a name looks like (UTS #39 §4): two that look alike give the same. Of names in ASCII, which nearly all are, no table is read.

/** Of ASCII, as fonts show it: capital i, one and bar are an l, zero is an o, r and n together an m. */
const ALIKE: Readonly<Record<string, string>> = { I: 'l', '1': 'l', '|': 'l', '0': 'o' }
const ASCII = /^[\0-\u007f]*$/

let table: Promise<ReadonlyMap<string, string>> | null = null

export async function lookOf(name: string): Promise<string> {
  return plain(ASCII.test(name) ? name : await resemble(name))
}

function plain(name: string): string {
  return name
    .replace(/[I1|0]/g, (one) => ALIKE[one] ?? one)
    .toLowerCase()
    .replaceAll('rn', 'm')
}

/** Marks that are not shown at all make no difference. */
async function resemble(name: string): Promise<string> {
  table ??= readTable()
  const prototypes = await table
  let shown = ''
  for (const character of name.normalize('NFD'))
    if (!/\p{Default_Ignorable_Code_Point}/u.test(character)) shown += prototypes.get(character) ?? character
  return shown.normalize('NFC')
}

/** Most processes never need it. */
async function readTable(): Promise<ReadonlyMap<string, string>> {
  const { CONFUSABLES } = await import('./confusables.ts')
  const read = new Map<string, string>()
  for (const line of CONFUSABLES.trim().split('\n')) {
    const [prototype = '', sources = ''] = line.split('=')
    for (const source of charactersOf(sources)) read.set(source, charactersOf(prototype).join(''))
  }
  return read
}

function charactersOf(codePoints: string): string[] {
  return codePoints.split(' ').map((hex) => String.fromCodePoint(Number.parseInt(hex, 16)))
}
