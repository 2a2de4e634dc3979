// SPDX-License-Identifier: Apache-2.0
// A large rule file in pieces: a reader of YAML takes a hundred times the memory of what it reads, so rules are read a few at a
// time. Lines keep their numbers. Anchors hold within a piece only.
import { readYaml, type Yaml, type YamlFault } from '../../kit/yaml/yaml.ts'

export type Piece = { first: number; yaml: Yaml }

/** The file without its rules, and the rules one piece after the other; a fault ends the pieces. */
export type InPieces = { head: Yaml; pieces: Iterable<Piece | { faults: readonly YamlFault[] }> }

/** A file up to this size is read as a whole. */
export const WHOLE_MAX = 512 * 1024
const PIECE = 64 * 1024

/** Null: not laid out as a list of rules below `rules:`, so it is read as a whole. */
export function readInPieces(text: string): InPieces | { faults: readonly YamlFault[] } | null {
  const key = /^rules:[ \t]*(?:#[^\n]*)?\r?\n/mu.exec(text)
  if (!key) return null
  const from = key.index + key[0].length
  const dash = /^( *)-[ \n]/mu.exec(text.slice(from, from + 65_536))
  if (!dash || !/^(?:[ \t]*(?:#[^\n]*)?\n)*$/u.test(text.slice(from, from + dash.index))) return null
  const indent = dash[1]?.length ?? 0
  const to = endOfList(text, from + dash.index, indent)
  // The lines of the rules are left empty, so that what stands behind them keeps its number.
  const head = readYaml(text.slice(0, from) + '\n'.repeat(linesIn(text, from, to)) + text.slice(to))
  if (!head.ok) return head
  return { head: head.yaml, pieces: readPieces(text, from, to, indent, linesIn(text, 0, from)) }
}

function* readPieces(text: string, from: number, to: number, indent: number, linesBefore: number) {
  let first = 0
  let at = from
  let line = linesBefore
  while (at < to) {
    const end = nextItem(text, Math.min(at + PIECE, to), to, indent)
    const part = text.slice(at, end)
    const read = readYaml(part)
    if (!read.ok) {
      yield { faults: read.faults.map((fault) => ({ ...fault, line: fault.line + line })) }
      return
    }
    const above = line
    const yaml = { value: read.yaml.value, lineOf: (path: readonly PropertyKey[]) => read.yaml.lineOf(path) + above }
    yield { first, yaml }
    first += Array.isArray(read.yaml.value) ? read.yaml.value.length : 0
    line += linesIn(text, at, end)
    at = end
  }
}

/** Begin of the first item at or after `at`. */
function nextItem(text: string, at: number, to: number, indent: number): number {
  const mark = `\n${' '.repeat(indent)}-`
  for (let found = text.indexOf(mark, at - 1); found >= 0 && found < to; found = text.indexOf(mark, found + 1)) {
    const behind = text[found + mark.length]
    if (behind === ' ' || behind === '\n' || behind === '\r') return found + 1
  }
  return to
}

/** A line that is indented less than the items, or as much and is none, is of the file again. */
function endOfList(text: string, from: number, indent: number): number {
  const less = new RegExp(`^ {0,${indent}}[^ \\t\\r\\n#]`, 'gmu')
  less.lastIndex = from
  for (let found = less.exec(text); found; found = less.exec(text)) {
    const isItem =
      found[0].length === indent + 1 && /^-(?:[ \r\n]|$)/u.test(text.slice(less.lastIndex - 1, less.lastIndex + 1))
    if (!isItem) return found.index
  }
  return text.length
}

function linesIn(text: string, from: number, to: number): number {
  let lines = 0
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) lines += 1
  return lines
}
