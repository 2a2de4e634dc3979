// SPDX-License-Identifier: Apache-2.0
// A line on its way in: kept for its batch, an answer to a question, or news.
import { type Batch, joinLines, PLAYBACKS } from './batches.ts'
import { readMessage } from './messages.ts'
import { readLineOfServer, readSplit } from './reading.ts'
import type { Session } from './session.ts'
import { type Line, readSource } from './wire/line.ts'

export function takeLine(session: Session, line: Line): void {
  const batch = session.batches.around(line)
  if (batch !== null && session.batches.keep(batch, line)) return
  const own = line.tags.get('label')
  tell(session, line, own ?? batch?.label ?? null, own !== undefined, isHistoric(batch))
}

export function takeBatch(session: Session, line: Line): void {
  if (line.params[0]?.startsWith('+') === true) {
    session.batches.open(line)
    return
  }
  const batch = session.batches.close(line)
  if (batch === null) return
  const { type, params, lines, label, parent, opening } = batch
  if (lines !== null) {
    const context = { label, historic: isHistoric(parent), answered: false }
    if (PLAYBACKS.has(type)) readHistory(session, batch, lines)
    else if (!readSplit(session, type, params.join(' '), lines, context)) readMultiline(session, batch, lines)
  }
  if (label !== null && opening.tags.has('label')) session.asks.labelEnds(label)
}

function tell(session: Session, line: Line, given: string | null, isWhole: boolean, historic: boolean): void {
  // A label that nobody waits for says nothing.
  const label = given !== null && session.asks.has(given) ? given : null
  // What others say and do answers nothing: it is not shown to those that wait.
  const mayAnswer = !historic && session.asks.size > 0 && (label !== null || isAnswer(session, line))
  const waiting = session.asks.size
  if (mayAnswer && session.asks.offer(line, label, isWhole)) return
  const answered = session.asks.size < waiting || (!historic && session.asks.isLate(line, given))
  readLineOfServer(session, line, { label, historic, answered })
}

function readHistory(session: Session, { params, type }: Batch, lines: readonly Line[]): void {
  const context = { label: null, historic: true, answered: false }
  const [target = ''] = params
  const read = () => lines.flatMap((line) => (isMessage(line) ? (readMessage(session, line, context) ?? []) : []))
  const take = type === 'chathistory' ? session.histories.get(session.key(target))?.[0] : undefined
  if (take !== undefined) {
    take(read())
    return
  }
  // Played back without having been asked for.
  if (session.isChannel(target)) session.tell('kept', target, read())
  for (const line of lines)
    if (line.command === 'TAGMSG' || line.command === 'REDACT' || (isMessage(line) && !session.isChannel(target)))
      readLineOfServer(session, line, context)
}

function isMessage({ command }: Line): boolean {
  return command === 'PRIVMSG' || command === 'NOTICE'
}

function readMultiline(session: Session, batch: Batch, lines: readonly Line[]): void {
  const [first] = lines
  if (first === undefined) return
  const { opening, params, label, parent } = batch
  const whole: Line = {
    tags: opening.tags,
    source: opening.source === '' ? first.source : opening.source,
    command: first.command,
    params: [params[0] ?? first.params[0] ?? '', joinLines(lines)],
  }
  // Within a history it is one of its messages.
  if (parent !== null && session.batches.keep(parent, whole)) return
  tell(session, whole, label, false, isHistoric(parent))
}

function isAnswer(session: Session, { command, source }: Line): boolean {
  return /^[0-9F]/.test(command) || session.isOwn(readSource(source).nick)
}

function isHistoric(batch: Batch | null): boolean {
  for (let each = batch; each !== null; each = each.parent) if (PLAYBACKS.has(each.type)) return true
  return false
}
