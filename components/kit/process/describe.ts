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
  /** The text COMPONENT-about of its catalogue, else the first line of its manual. */
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
    about: aboutOf(component, manual, text, language),
    commands: commands.map((one) => ({
      name: one.name,
      help: text.say(one.help, language),
      rights: one.rights,
      parameters: one.parameters.map(parameter),
      ...(one.columns === undefined ? {} : { columns: one.columns }),
    })),
  }
}

function aboutOf(component: string, manual: string, text: Catalogue, language: string | undefined): string {
  const id = `${component}-about`
  const first = manual.trim().split('\n')[0] ?? component
  return text.ids.includes(id) ? text.say(id, language) : first.replace(`${component}: `, '')
}
