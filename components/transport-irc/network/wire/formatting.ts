// SPDX-License-Identifier: Apache-2.0
// Formatting codes of IRC and the marks of XEP-0393 (Message Styling, 1.1.1): *strong* _emphasis_ ~strike~ `monospace`.
// Colours, underline and reverse have no mark and are left out.

/** Codes into marks, where a mark would be read as one: not inside a word, not around spaces. */
export function toStyled(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the codes are control characters
  if (!/[\x00-\x08\x0b-\x1f\x7f]/.test(text)) return text
  return text.split('\n').map(lineToStyled).join('\n')
}

/** Marks into codes. Blocks (quotes, preformatted) stay as they are written. */
export function fromStyled(text: string): string {
  let fenced = false
  return text
    .split('\n')
    .map((line) => {
      if (line.startsWith('```')) {
        fenced = !fenced
        return line
      }
      return fenced ? line : lineFromStyled(line)
    })
    .join('\n')
}

/** Text without codes, such as a topic. */
export function withoutCodes(text: string): string {
  return runsOf(text)
    .map((run) => run.text)
    .join('')
}

/** Codes that are still open at the end: what follows in another line has to open them again. Colours are not among them. */
export function openCodes(text: string): string {
  const on = new Set<string>()
  for (const letter of text) {
    if (letter === RESET) on.clear()
    else if (letter in MARKS || letter === UNDERLINE) {
      if (!on.delete(letter)) on.add(letter)
    }
  }
  return [...on].join('')
}

const RESET = '\x0f'
const UNDERLINE = '\x1f'
const MARKS: Readonly<Record<string, string>> = { '\x02': '*', '\x1d': '_', '\x1e': '~', '\x11': '`' }
const CODES: Readonly<Record<string, string>> = { '*': '\x02', _: '\x1d', '~': '\x1e', '`': '\x11' }
/** Outermost first; nothing is read inside monospace. */
const ORDER = ['*', '_', '~', '`']

type Run = { text: string; marks: readonly string[] }

function lineToStyled(line: string): string {
  return written(runsOf(line), 0)
}

/** Pieces of text between codes. */
function runsOf(line: string): Run[] {
  const runs: Run[] = []
  const on = new Set<string>()
  let text = ''
  const end = () => {
    if (text !== '') runs.push({ text, marks: ORDER.filter((mark) => on.has(mark)) })
    text = ''
  }
  for (let at = 0; at < line.length; at += 1) {
    const letter = line[at] as string
    const mark = MARKS[letter]
    if (mark !== undefined) {
      end()
      if (!on.delete(mark)) on.add(mark)
    } else if (letter === RESET) {
      end()
      on.clear()
    } else if (letter === '\x03')
      at += /^(?:[0-9]{1,2}(?:,[0-9]{1,2})?)?/.exec(line.slice(at + 1, at + 6))?.[0].length ?? 0
    else if (letter === '\x04')
      at += /^(?:[0-9A-Fa-f]{6}(?:,[0-9A-Fa-f]{6})?)?/.exec(line.slice(at + 1, at + 14))?.[0].length ?? 0
    else if (letter >= ' ' ? letter !== '\x7f' : letter === '\t') text += letter
  }
  end()
  return runs
}

/** Spans from the outermost mark inwards: neighbours that share it stand in one. */
function written(runs: readonly Run[], level: number, before = ''): string {
  const mark = ORDER[level]
  if (mark === undefined) return runs.map((run) => run.text).join('')
  let all = ''
  for (let from = 0; from < runs.length; ) {
    const marked = (runs[from] as Run).marks.includes(mark)
    let to = from + 1
    while (to < runs.length && (runs[to] as Run).marks.includes(mark) === marked) to += 1
    const part = runs.slice(from, to)
    const outside = before + all
    all += marked ? span(part, mark, level, outside) : written(part, level + 1, outside)
    from = to
  }
  return all
}

function span(runs: readonly Run[], mark: string, level: number, outside: string): string {
  const plain = runs.map((run) => run.text).join('')
  const text = plain.trim()
  // XEP-0393 §6.2: opens at the start, behind a space or another opening mark; holds something; a mark inside would end it.
  const opens = outside === '' || /[\s*_~]$/.test(outside)
  if (text === '' || !opens || text.includes(mark)) return written(runs, level + 1, outside)
  const lead = plain.slice(0, plain.length - plain.trimStart().length)
  const tail = plain.slice(plain.trimEnd().length)
  const inner =
    mark === '`' ? text : written(trimmed(runs, lead.length, tail.length), level + 1, `${outside}${lead}${mark}`)
  return `${lead}${mark}${inner}${mark}${tail}`
}

function trimmed(runs: readonly Run[], lead: number, tail: number): Run[] {
  const cut = (all: readonly Run[], bytes: number, end: boolean): Run[] => {
    let left = bytes
    const kept: Run[] = []
    for (const run of end ? all.toReversed() : all) {
      const gone = Math.min(left, run.text.length)
      left -= gone
      const text = end ? run.text.slice(0, run.text.length - gone) : run.text.slice(gone)
      if (text !== '') kept.push({ ...run, text })
    }
    return end ? kept.toReversed() : kept
  }
  return cut(cut(runs, lead, false), tail, true)
}

function lineFromStyled(line: string): string {
  if (!/[*_~`]/.test(line)) return line
  let all = ''
  let opensHere = true
  /** Marks that nothing closes any more from here on: each look for it would go to the end. */
  const unclosed = new Set<string>()
  for (let at = 0; at < line.length; ) {
    const letter = line[at] as string
    const end = opensHere && letter in CODES && !unclosed.has(letter) ? closing(line, at, letter, unclosed) : -1
    if (end === -1) {
      all += letter
      opensHere = /\s/.test(letter)
      at += 1
      continue
    }
    const inner = line.slice(at + 1, end)
    const code = CODES[letter] as string
    all += `${code}${letter === '`' ? inner : lineFromStyled(inner)}${code}`
    opensHere = false
    at = end + 1
  }
  return all
}

/** Where the span opened at `from` ends: the first of its marks with no space before it and something between; -1: nowhere. */
function closing(line: string, from: number, mark: string, unclosed: Set<string>): number {
  if (/\s/.test(line[from + 1] ?? ' ')) return -1
  const end = line.indexOf(mark, from + 1)
  if (end === from + 1) return -1
  for (let at = end; at !== -1; at = line.indexOf(mark, at + 1)) if (!/\s/.test(line[at - 1] ?? ' ')) return at
  unclosed.add(mark)
  return -1
}
