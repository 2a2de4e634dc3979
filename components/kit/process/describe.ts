// SPDX-License-Identifier: Apache-2.0
// What a process can do, as JSON: printed by `main.ts --commands` and given by its socket at /v1/commands.
import type { Catalogue } from '../text/catalogue.ts'
import type { Declaration, Parameter } from './command.ts'
import { softwareVersion } from './version.ts'

export const SOCKET_VERSION = 1

export type Described = {
  version: typeof SOCKET_VERSION
  component: string
  software: string
  /** First line of the manual. */
  about: string
  /** As declared, but `help` is the text itself, in the language asked for. */
  commands: readonly Declaration[]
}

export function describeCommands(
  component: string,
  manual: string,
  commands: readonly Declaration[],
  text: Catalogue,
  language: string | undefined,
): Described {
  const parameter = (one: Parameter): Parameter => ({ ...one, help: text.say(one.help, language) })
  return {
    version: SOCKET_VERSION,
    component,
    software: softwareVersion(),
    about: manual.split('\n')[0] ?? component,
    commands: commands.map((one) => ({
      name: one.name,
      help: text.say(one.help, language),
      rights: one.rights,
      parameters: one.parameters.map(parameter),
      ...(one.columns === undefined ? {} : { columns: one.columns }),
    })),
  }
}
