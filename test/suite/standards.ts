// SPDX-License-Identifier: Apache-2.0
// doap.xml -> the table of standards. Run: prints it; with --write puts it between its marks in ARCHITECTURE.md.
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from '../../components/kit/xml/parse.ts'

export const ROOT = resolve(import.meta.dirname, '../..')
const MARKS = /(<!-- standards -->\n)[\s\S]*?(\n?<!-- \/standards -->)/

/** One XEP of doap.xml. `xep` is 'XEP-0114'. */
export type Standard = { xep: string; title: string; version: string; status: string; since: string; use: string }

export function readDoap(text: string): Standard[] {
  const project = parse(text.trim()).getChild('Project')
  return (project?.getChildren('implements') ?? []).flatMap((one) => {
    const xep = one.getChild('SupportedXep')
    if (xep === undefined) return []
    const [title = '', use = ''] = (xep.getChildText('note') ?? '').split(': ', 2)
    const number = /xep-(\d{4})\.html$/.exec(xep.getChild('xep')?.attrs['rdf:resource'] ?? '')?.[1]
    const value = (name: string) => xep.getChildText(name) ?? ''
    return {
      xep: `XEP-${number}`,
      title,
      use,
      version: value('version'),
      status: value('status'),
      since: value('since'),
    }
  })
}

export function standardsTable(standards: readonly Standard[]): string {
  const rows = standards.map(
    ({ xep, title, version, status, since, use }) =>
      `| [${xep}](https://xmpp.org/extensions/${xep.toLowerCase()}.html) | ${title} | ${version} | ${status} | ${since} | ${use} |`,
  )
  return ['| XEP | title | version | state | since | used for |', '|---|---|---|---|---|---|', ...rows].join('\n')
}

export function doapOfTree(): Standard[] {
  return readDoap(readFileSync(join(ROOT, 'doap.xml'), 'utf8'))
}

/** The table as ARCHITECTURE.md holds it, with its marks; null when the marks are missing. */
export function tableOfTree(): string | null {
  return MARKS.exec(readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8'))?.[0] ?? null
}

export function marked(table: string): string {
  return `<!-- standards -->\n${table}\n<!-- /standards -->`
}

if (import.meta.main) {
  const table = standardsTable(doapOfTree())
  if (process.argv.includes('--write')) {
    const file = join(ROOT, 'ARCHITECTURE.md')
    writeFileSync(file, readFileSync(file, 'utf8').replace(MARKS, marked(table)))
  } else process.stdout.write(`${table}\n`)
}
