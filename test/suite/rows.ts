// SPDX-License-Identifier: Apache-2.0
// components/transport-irc/rows.json -> the check list in its README. Run: prints it; with --write puts it between its marks; with --check
// says which rows claim what no test shows, and ends with 1.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import ts from 'typescript'

export const ROOT = resolve(import.meta.dirname, '../..')
const ROWS = 'components/transport-irc/rows.json'
const README = 'components/transport-irc/README.md'
const MARKS = /(<!-- rows -->\n)[\s\S]*?(\n?<!-- \/rows -->)/
const STATES = ['done', 'partly', 'not', 'other-transport'] as const
/** What gives a test its title. */
const CALLS = ['it', 'test', 'scene', 'describe', 'suite', 'onServers']

/** A feature of the check list. `tests`: file, and the title of a test in it as it stands there; together they show the whole of the feature. */
export type Row = {
  row: number
  feature: string
  goal: 'M' | 'S' | 'C'
  state: (typeof STATES)[number]
  tests?: readonly (readonly [file: string, title: string])[]
  /** What is not there of it, or why not. */
  note?: string
}

export function rowsOfTree(): Row[] {
  return JSON.parse(readFileSync(join(ROOT, ROWS), 'utf8')) as Row[]
}

/** What is wrong, a line for each. `titles` gives those of a test file, null where there is no such file. */
export function wrongRows(
  rows: readonly Row[],
  titles: (file: string) => ReadonlySet<string> | null = titlesOf,
): string[] {
  return rows.flatMap((row, at) => {
    const place = `row ${row.row} (${row.feature})`
    const wrong: string[] = []
    if (row.row !== at + 1) wrong.push(`${place}: number ${at + 1} is wanted here`)
    if (!STATES.includes(row.state)) wrong.push(`${place}: state ${row.state}`)
    if (row.state === 'done' && !row.tests?.length) wrong.push(`${place}: done, and no test is named`)
    if ((row.state === 'partly' || row.state === 'other-transport') && !row.note)
      wrong.push(`${place}: ${row.state}, and no note says what`)
    for (const [file, title] of row.tests ?? []) {
      const known = titles(file)
      if (known === null) wrong.push(`${place}: there is no test file ${file}`)
      else if (!known.has(title)) wrong.push(`${place}: no test in ${file} is called "${title}"`)
    }
    return wrong
  })
}

/** Titles of the tests of a file, as literals; null where it is none that `npm test` runs. */
function titlesOf(file: string): ReadonlySet<string> | null {
  const path = join(ROOT, file)
  if (!file.startsWith('test/') || !existsSync(path)) return null
  return titlesIn(readFileSync(path, 'utf8'))
}

export function titlesIn(source: string): ReadonlySet<string> {
  const titles = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && CALLS.includes(node.expression.getText().split('.')[0] ?? ''))
      for (const argument of node.arguments.slice(0, 2)) if (ts.isStringLiteralLike(argument)) titles.add(argument.text)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('x.ts', source, ts.ScriptTarget.Latest, true))
  return titles
}

export function rowsTable(rows: readonly Row[]): string {
  const lines = rows.map(({ row, feature, goal, state, tests = [], note }) => {
    const shown = tests.map(([file, title]) => `${file.replace(/^test\//, '').replace(/\.test\.ts$/, '')}: ${title}`)
    return `| ${row} | ${escaped(feature)} | ${goal} | ${state} | ${escaped(note ?? '')} | ${escaped(shown.join('<br>'))} |`
  })
  return ['| # | feature | goal | state | note | tests |', '|---|---|---|---|---|---|', ...lines].join('\n')
}

/** The table as the README holds it, with its marks; null when the marks are missing. */
export function tableOfTree(): string | null {
  return MARKS.exec(readFileSync(join(ROOT, README), 'utf8'))?.[0] ?? null
}

export function marked(table: string): string {
  return `<!-- rows -->\n${table}\n<!-- /rows -->`
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|')
}

if (import.meta.main) {
  const rows = rowsOfTree()
  const table = rowsTable(rows)
  if (process.argv.includes('--check')) {
    const wrong = wrongRows(rows)
    if (tableOfTree() !== marked(table)) wrong.push(`${README}: node_modules/.bin/node test/suite/rows.ts --write`)
    for (const line of wrong) process.stderr.write(`${line}\n`)
    process.exitCode = wrong.length > 0 ? 1 : 0
  } else if (process.argv.includes('--write')) {
    const file = join(ROOT, README)
    writeFileSync(file, readFileSync(file, 'utf8').replace(MARKS, marked(table)))
  } else process.stdout.write(`${table}\n`)
}
