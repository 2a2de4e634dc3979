// SPDX-License-Identifier: Apache-2.0
// Character data that needs no second look, passed over as a whole: saxes looks at it unit by unit (two thirds of what reading a
// message of 1 kB cost, measured).
import type { SaxesParser } from 'saxes'

/** What ends a run, or has to be looked at: markup, references, `]]>`, and line breaks, which are counted. */
const SPECIAL = /[<&\]\r\n]/g
/** What XML 1.0 §2.2 forbids, and what is two units and one character. A tab is left to saxes as well. */
const CONTROL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not pass
  /[\0-\x1f\ud800-\udfff\ufffe\uffff]/
/** Shorter runs cost less unit by unit. */
const WORTH_UNITS = 24

/** The parts of saxes that this reaches into; private there, hence the exact version in package.json. */
type TextState = {
  chunk: string
  i: number
  column: number
  text: string
  forbiddenState: number
  handleTextInRoot(): void
}

/** Puts the short way before the parser's own, which then goes on behind the run. Linear: each look ends at the first special unit. */
export function skipPlainText(parser: SaxesParser<{ xmlns: true }>): void {
  const state = parser as unknown as TextState
  const own = state.handleTextInRoot
  state.handleTextInRoot = () => {
    const { chunk, i } = state
    const end = endOfRun(chunk, i)
    if (end - i >= WORTH_UNITS) {
      const run = chunk.slice(i, end)
      if (!CONTROL.test(run)) {
        state.text += run
        state.i = end
        state.column += run.length
        // No `]` stands right before what follows.
        state.forbiddenState = 0
      }
    }
    own.call(state)
  }
}

function endOfRun(text: string, from: number): number {
  SPECIAL.lastIndex = from
  return SPECIAL.test(text) ? SPECIAL.lastIndex - 1 : text.length
}
