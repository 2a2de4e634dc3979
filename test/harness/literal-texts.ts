// SPDX-License-Identifier: Apache-2.0
// Finds what a person would read but no catalogue has: literal texts in answers.
import ts from 'typescript'

export type Finding = { file: string; line: number; text: string; why: string }

/** Elements of stanzas whose content people read. */
const READ_BY_PEOPLE = /<(text|body|subject|title|instructions|reason|note|desc)\b[^>]*>\s*[\p{L}]/u
/** Errors whose message is shown, and which of their arguments it is. */
const SHOWN_ERRORS: Readonly<Record<string, number>> = { CommandError: 0, StanzaError: 2 }
/** Conditions that tell the author of a program what his program did wrong; no client shows a person more than the condition. */
const FOR_PROGRAMS = new Set(['bad-request', 'jid-malformed'])

/** `ids` are those of the catalogues: where an id is wanted, any other text is a finding. */
export function findLiteralTexts(file: string, source: string, ids: ReadonlySet<string>): Finding[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true)
  const found: Finding[] = []
  const tell = (node: ts.Node, why: string) => {
    const line = tree.getLineAndCharacterOfPosition(node.getStart()).line + 1
    found.push({ file, line, text: node.getText().slice(0, 120), why })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isNewExpression(node)) visitError(node, tell)
    if (ts.isPropertyAssignment(node)) visitProperty(node, ids, tell)
    if (ts.isPropertyAssignment(node) || ts.isMethodDeclaration(node)) visitState(node, tell)
    if (ts.isCallExpression(node)) visitProblem(node, ids, tell)
    if (isText(node) && READ_BY_PEOPLE.test(node.getText())) tell(node, 'a literal inside an element that people read')
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

/** Ids that a source names, and beginnings of ids that it completes (`kit-right-${right}`). */
export function namedIds(source: string): { whole: Set<string>; begun: Set<string> } {
  const tree = ts.createSourceFile('x.ts', source, ts.ScriptTarget.Latest, true)
  const whole = new Set<string>()
  const begun = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) whole.add(node.text)
    if (ts.isTemplateExpression(node)) {
      if (/^[a-z]+-/.test(node.head.text)) begun.add(node.head.text)
      // `${component}-about`: whatever stands before, it ends so.
      const [only] = node.templateSpans
      if (node.head.text === '' && node.templateSpans.length === 1 && only !== undefined) whole.add(only.literal.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return { whole, begun }
}

function visitError(node: ts.NewExpression, tell: (node: ts.Node, why: string) => void): void {
  const name = node.expression.getText()
  const place = SHOWN_ERRORS[name]
  const argument = place === undefined ? undefined : node.arguments?.[place]
  if (argument === undefined) return
  const condition = node.arguments?.[1]
  if (
    name === 'StanzaError' &&
    condition !== undefined &&
    ts.isStringLiteral(condition) &&
    FOR_PROGRAMS.has(condition.text)
  )
    return
  for (const literal of literalsIn(argument)) tell(literal, `a literal in a ${name}`)
}

/** What is wrong in a file is told by id: `place.refuse('an-id')`, `tell(['setting'], 'an-id')`. */
function visitProblem(
  node: ts.CallExpression,
  ids: ReadonlySet<string>,
  tell: (node: ts.Node, why: string) => void,
): void {
  const [first, second] = node.arguments
  const callee = node.expression
  const refuses = ts.isPropertyAccessExpression(callee) && callee.name.text === 'refuse'
  const tells = ts.isIdentifier(callee) && callee.text === 'tell' && first && ts.isArrayLiteralExpression(first)
  const wanted = refuses ? first : tells ? second : undefined
  if (wanted !== undefined) tellOthers(wanted, ids, tell, 'a literal where an id says what is wanted')
}

/** `healthy` and `ready` of a process are shown by `gatehouse status`. */
function visitState(
  node: ts.PropertyAssignment | ts.MethodDeclaration,
  tell: (node: ts.Node, why: string) => void,
): void {
  if (!/^(healthy|ready)$/.test(node.name.getText())) return
  const said = ts.isMethodDeclaration(node) ? node.body : node.initializer
  const answers = said !== undefined && (ts.isArrowFunction(said) || ts.isBlock(said))
  if (answers) for (const literal of literalsIn(said)) tell(literal, 'a literal in the state of a process')
}

function tellOthers(
  node: ts.Node,
  ids: ReadonlySet<string>,
  tell: (node: ts.Node, why: string) => void,
  why: string,
): void {
  for (const literal of literalsIn(node))
    if (!ts.isStringLiteralLike(literal) || !ids.has(literal.text)) tell(literal, why)
}

function visitProperty(
  node: ts.PropertyAssignment,
  ids: ReadonlySet<string>,
  tell: (node: ts.Node, why: string) => void,
): void {
  const name = node.name.getText()
  const others = ts.isObjectLiteralExpression(node.parent) ? node.parent.properties.map((one) => one.getText()) : []
  const isSaid = name === 'text' && others.some((one) => /^say: *'(text|end)'/.test(one))
  const isUnit = name === 'unit' && others.some((one) => /^say: *'progress'/.test(one))
  if (isSaid || isUnit)
    for (const literal of literalsIn(node.initializer)) tell(literal, 'a literal in what a command says')
  // The words of zod, and what a problem, or a value that is none, says of itself.
  const alone = others.length === 1 && !ts.isCallExpression(node.parent.parent)
  if (name === 'wanted' || name === 'error' || (name === 'wrong' && alone))
    tellOthers(node.initializer, ids, tell, 'a literal where an id says what is wanted')
  if (name === 'id' && others.every((one) => /^(id|args)\b/.test(one))) visitId(node.initializer, ids, tell)
  if (name !== 'help' || !others.some((one) => /^(rights|type)\b/.test(one))) return
  for (const literal of literalsIn(node.initializer)) {
    if (!ts.isStringLiteralLike(literal) || !ids.has(literal.text)) tell(literal, 'help that is no id of a catalogue')
  }
}

/** `{ id, args }` is a message; an id of something else is one word. */
function visitId(node: ts.Node, ids: ReadonlySet<string>, tell: (node: ts.Node, why: string) => void): void {
  for (const literal of literalsIn(node)) {
    const text = literal.getText().slice(1, -1)
    if (/\s/.test(text) || (/^[a-z]+-[a-z]/.test(text) && !ids.has(text))) tell(literal, 'no id of a catalogue')
  }
}

/** Texts with a letter in them, but not those inside a call: `say('an-id')` names an id. */
function literalsIn(node: ts.Node): ts.Node[] {
  if (ts.isCallExpression(node) || isComparison(node)) return []
  if (isText(node)) {
    const fixed = ts.isTemplateExpression(node)
      ? node.head.text + node.templateSpans.map((span) => span.literal.text).join('')
      : (node as ts.StringLiteralLike).text
    return /\p{L}{2}/u.test(fixed) ? [node] : []
  }
  const inside: ts.Node[] = []
  ts.forEachChild(node, (child) => {
    inside.push(...literalsIn(child))
  })
  return inside
}

function isComparison(node: ts.Node): boolean {
  return ts.isBinaryExpression(node) && /^[!=]==$/.test(node.operatorToken.getText())
}

function isText(node: ts.Node): node is ts.StringLiteralLike | ts.TemplateExpression {
  return ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)
}
