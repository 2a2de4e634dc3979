// SPDX-License-Identifier: Apache-2.0
// What is wrong in a file, in the words that a person would read.
import { problemLine, type ReadSettings, told } from '../../components/kit/process/settings.ts'
import { createCatalogue, inWords as inWordsOf, KIT_TEXTS, type Message } from '../../components/kit/text/catalogue.ts'

const components = ['archive', 'directory', 'policy', 'transport-irc'].map(
  (name) => new URL(`../../components/${name}/text/`, import.meta.url),
)

/** All that components say. */
export const allTexts = createCatalogue([KIT_TEXTS, ...components])

export function inWords(message: Message | undefined, language = 'en'): string {
  return message === undefined ? '' : inWordsOf(message, allTexts, language)
}

/** A line for each problem. */
export function problemLines(read: ReadSettings<unknown>, language = 'en'): string[] {
  return read.ok ? [] : read.problems.map((one) => problemLine(told(one, allTexts, language)))
}
