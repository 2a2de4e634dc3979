// SPDX-License-Identifier: Apache-2.0

/** A wall between two groups, as the rule file has it. */
export type Wall = {
  id: string
  /** Names of the two groups, as written and for comparison. */
  a: string
  b: string
  keys: { a: string; b: string }
  /** One person passes everywhere, several pass between each other, as long as it is before `until` (Unix ms). */
  except: readonly { jids: readonly string[]; until: number }[]
  /** Of the refusal, by language; null: the suite's own. */
  text: Readonly<Record<string, string>> | null
  /** It stands while policy is away: then everything it could mean is refused. */
  closed: boolean
}
