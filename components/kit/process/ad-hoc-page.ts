// SPDX-License-Identifier: Apache-2.0
// A page of what a command says, as people read it (XEP-0004) and, beside it, as programs do: the very lines of the socket.
import type { Catalogue } from '../text/catalogue.ts'
import type { Note } from '../xep/commands.ts'
import { type Field, type Form, writeForm } from '../xep/data-forms.ts'
import { writeJson } from '../xep/json-containers.ts'
import type { CommandRun, Page } from './ad-hoc-run.ts'
import type { Declaration } from './command.ts'

/** Of the lines in the JSON container. */
export const LINES_VERSION = 1
/** What the first column says stands beside its row. */
const LABEL_MOST = 40

export type Shown = {
  command: Declaration
  run: CommandRun
  page: Page
  /** From 1. */
  number: number
  /** What follows it; `perhaps`: the command still runs. */
  follows: 'nothing' | 'more' | 'perhaps'
  text: Catalogue
  language: string
}

export function writePage(shown: Shown): { payload: string; notes: readonly Note[] } {
  const { command, run, page, follows } = shown
  const rows = page.flatMap((item) => ('row' in item ? [item.row] : []))
  const texts = page.flatMap((item) => ('text' in item ? [item.text] : []))
  const form: Form = {
    type: 'result',
    title: command.name,
    instructions: stateOf(shown, rows.length + texts.length),
    fields:
      command.single === true ? fieldsOf(shown, rows[0], texts) : rows.map((row, at) => rowOf(run.columns, row, at)),
  }
  const failed = follows === 'nothing' && run.ended !== null && run.ended.exit !== 0 ? [run.ended.text ?? ''] : []
  return {
    payload: writeForm(form) + writeLines(shown),
    notes: [
      ...(command.single === true ? [] : texts.map((text): Note => ({ type: 'info', text }))),
      ...failed.map((text): Note => ({ type: 'error', text })),
    ],
  }
}

/** Lines of names and values, and no table (`reported`): Gajim 1.7 shows no result with one, and wide ones fit nowhere. */
function rowOf(columns: readonly string[], row: readonly string[], at: number): Field {
  const [head = ''] = row
  const lines = columns.flatMap((name, index) => `${name}: ${row[index] ?? ''}`.split(/\r\n|\r|\n/))
  return {
    type: 'text-multi',
    var: `row-${at + 1}`,
    label: head === '' ? String(at + 1) : head.slice(0, LABEL_MOST),
    values: lines,
  }
}

/** One row, field by field, and what is said of it in lines. */
function fieldsOf(
  { run, text, language }: Shown,
  row: readonly string[] | undefined,
  texts: readonly string[],
): Field[] {
  const cells = (row ?? []).map((value, index) => {
    const name = run.columns[index] ?? ''
    return { type: 'text-single' as const, var: name, label: name, values: [value] }
  })
  const lines = {
    type: 'text-multi' as const,
    var: 'lines',
    label: text.say('kit-ad-hoc-lines', language),
    values: texts,
  }
  return [...cells, ...(texts.length > 0 ? [lines] : [])]
}

/** How far it has come, and what can be done. */
function stateOf({ run, number, follows, text, language }: Shown, count: number): string[] {
  const { progress, ended } = run
  const state: string[] = []
  if (number > 1 || follows !== 'nothing') state.push(text.say('kit-ad-hoc-page', language, { page: number }))
  if (ended === null && progress !== null) {
    const { done, total, unit } = progress
    const id = total === null ? 'kit-ad-hoc-progress' : 'kit-ad-hoc-progress-of'
    state.push(text.say(id, language, { done, total: total ?? 0, unit }))
  }
  if (follows === 'more') state.push(text.say('kit-ad-hoc-more', language))
  if (follows === 'perhaps') state.push(text.say('kit-ad-hoc-goes-on', language))
  if (follows === 'nothing' && number === 1 && count === 0 && ended?.exit === 0)
    state.push(text.say('kit-ad-hoc-nothing', language))
  return state
}

/** As the socket says them, each line an object; the last line of all is `end`. `omitted`: lines too long for this. */
function writeLines({ run, page, follows }: Shown): string {
  const whole = page.flatMap(({ said }) => said ?? [])
  // Of a text in pieces only the first could have it.
  const omitted = page.filter((item) => item.said === null && 'row' in item).length
  const end = follows === 'nothing' && run.ended !== null ? [{ say: 'end' as const, ...run.ended }] : []
  return writeJson({ version: LINES_VERSION, said: [...whole, ...end], ...(omitted > 0 ? { omitted } : {}) })
}
