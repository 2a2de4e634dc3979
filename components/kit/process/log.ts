// SPDX-License-Identifier: Apache-2.0
// The log: one JSON object a line, an event with fields, never the text of a message. pino stands behind it.
import { pino } from 'pino'
import type { LogLevel } from './settings.ts'

/** What was said stands in no log: fields of these names do not compile. */
export type LogFields = Readonly<Record<string, unknown>> & {
  readonly stanza?: never
  readonly body?: never
  readonly text?: never
  readonly raw?: never
}

/** `event` says what happened in a few fixed words ('kept', 'stream up'); what differs stands in the fields. */
export type Log = {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
  child(fields: LogFields): Log
}

export type OpenLog = Log & {
  /** Lines that could not be written: the reader is gone, or more than 16 MiB wait for it. */
  lost(): number
  /** Resolves when the line just given, and all before it, is written; never, while nobody reads. */
  written(): Promise<void>
}

/** Writes to `descriptor` (1: standard output) without ever stopping the process for a slow or missing reader. */
export function openLog(component: string, level: LogLevel, descriptor = 1): OpenLog {
  let lost = 0
  const target = pino.destination({ dest: descriptor, sync: false, minLength: 0, maxLength: 16 * 2 ** 20 })
  target.on('error', () => lost++)
  target.on('drop', () => lost++)
  const logger = pino(
    {
      level,
      base: { component },
      messageKey: 'event',
      timestamp: () => `,"at":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
    },
    target,
  )
  return {
    ...wrap(logger),
    lost: () => lost,
    written: () => new Promise((resolve) => target.once('drain', () => resolve())),
  }
}

function wrap(logger: pino.Logger): Log {
  return {
    debug: (event, fields = {}) => logger.debug(fields, event),
    info: (event, fields = {}) => logger.info(fields, event),
    warn: (event, fields = {}) => logger.warn(fields, event),
    error: (event, fields = {}) => logger.error(fields, event),
    child: (fields) => wrap(logger.child(fields)),
  }
}
