// SPDX-License-Identifier: Apache-2.0
// YAML 1.2 (core schema) as values that know their lines. The `yaml` package stands behind it.
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml'

/** What is wrong with the text itself, `line` from 1. */
export type YamlFault = { line: number; message: string }

/** A document: plain values, and the line (from 1) on which each part was said. */
export type Yaml = {
  value: unknown
  /** Line of the key (in a map) or of the item (in a list) at `path`; for a path that was not said, of its nearest said parent. */
  lineOf(path: readonly PropertyKey[]): number
}

export type ReadYaml = { ok: true; yaml: Yaml } | { ok: false; faults: readonly YamlFault[] }

/** One document. Keys said twice, several documents, bad indentation, and tags we do not know are faults, all told at once. */
export function readYaml(text: string): ReadYaml {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2', uniqueKeys: true })
  const told = [...document.errors, ...document.warnings]
  if (told.length > 0) {
    return { ok: false, faults: told.map((one) => ({ line: lines.linePos(one.pos[0]).line, message: one.message })) }
  }
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: 100 })
  } catch (fault) {
    return { ok: false, faults: [{ line: 1, message: fault instanceof Error ? fault.message : String(fault) }] }
  }
  const lineAt = (node: Node | null | undefined): number | undefined =>
    node?.range ? lines.linePos(node.range[0]).line : undefined
  return {
    ok: true,
    yaml: { value, lineOf: (path) => lineOf(document.contents as Node | null, path, lineAt) },
  }
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
