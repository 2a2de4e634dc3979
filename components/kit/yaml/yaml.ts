// SPDX-License-Identifier: Apache-2.0
// YAML 1.2 (core schema) as values that know their lines. The `yaml` package stands behind it.
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from 'yaml'
import { ALIAS_WORDS, otherwiseWrong, type PlainWords, plainWords } from './plain-words.ts'

/** What is wrong with the text itself, `line` from 1. */
export type YamlFault = { line: number; wanted: PlainWords }

/** A document: plain values, and the line (from 1) on which each part was said. */
export type Yaml = {
  value: unknown
  /** Line of the key (in a map) or of the item (in a list) at `path`; for a path that was not said, of its nearest said parent. */
  lineOf(path: readonly PropertyKey[]): number
}

export type ReadYaml = { ok: true; yaml: Yaml } | { ok: false; faults: readonly YamlFault[] }

/**
 * One document. Keys said twice, several documents, bad indentation, and tags we do not know are faults. Only the first is told,
 * with the line as it stands in the file: the others mostly follow from it.
 */
export function readYaml(text: string): ReadYaml {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2', uniqueKeys: true })
  const [first] = [...document.errors, ...document.warnings].sort((one, other) => one.pos[0] - other.pos[0])
  if (first !== undefined)
    return faultAt(text, lines, first.pos[0], (source) => plainWords(first.code, first.message, source))
  const alias = unresolvedAlias(document)
  if (alias !== null) return faultAt(text, lines, alias, () => ALIAS_WORDS)
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: 100 })
  } catch (fault) {
    return {
      ok: false,
      faults: [{ line: 1, wanted: otherwiseWrong(fault instanceof Error ? fault.message : String(fault)) }],
    }
  }
  const lineAt = (node: Node | null | undefined): number | undefined =>
    node?.range ? lines.linePos(node.range[0]).line : undefined
  return {
    ok: true,
    yaml: { value, lineOf: (path) => lineOf(document.contents as Node | null, path, lineAt) },
  }
}

function faultAt(text: string, lines: LineCounter, place: number, words: (source: string) => PlainWords): ReadYaml {
  const all = text.split('\n')
  let { line } = lines.linePos(place)
  // What is missing at the end of the file is missing in its last line with something on it.
  while (line > 1 && (all[line - 1] ?? '').trim() === '') line -= 1
  const source = (all[line - 1] ?? '').slice(0, 200)
  const wanted = { id: 'kit-yaml-line', args: { wanted: words(source), source: JSON.stringify(source) } }
  return { ok: false, faults: [{ line, wanted }] }
}

/** Where an alias stands that has no anchor before it. */
function unresolvedAlias(document: Document): number | null {
  let found: number | null = null
  const anchors = new Set<string>()
  visit(document, {
    Node(_, node) {
      if ('anchor' in node && typeof node.anchor === 'string') anchors.add(node.anchor)
      if (!isAlias(node) || anchors.has(node.source)) return undefined
      found = node.range?.[0] ?? 0
      return visit.BREAK
    },
  })
  return found
}

function lineOf(
  root: Node | null,
  path: readonly PropertyKey[],
  lineAt: (node: Node | null | undefined) => number | undefined,
): number {
  let node: Node | null | undefined = root
  let line = lineAt(root) ?? 1
  for (const step of path) {
    if (isMap<unknown, Node | null>(node)) {
      const pair: Pair<unknown, Node | null> | undefined = node.items.find(
        (one) => isScalar(one.key) && String(one.key.value) === String(step),
      )
      if (pair === undefined) return line
      line = lineAt(pair.key as Node) ?? line
      node = pair.value
    } else if (isSeq<Node | null>(node)) {
      node = node.items[Number(step)]
      line = lineAt(node) ?? line
    } else {
      return line
    }
  }
  return line
}
