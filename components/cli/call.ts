// SPDX-License-Identifier: Apache-2.0
import type { Problem } from '../kit/process/settings.ts'
import type { Output, Writable } from './output.ts'

/** What the command line is given by the world; `components` is the folder in which components are looked for. */
export type World = {
  argv: readonly string[]
  components: string
  environment: Readonly<Record<string, string | undefined>>
  folder: string
  out: Writable
  err: Writable
  /** Version of the suite. */
  software: string
}

/** What every part of the command line needs of one call. */
export type Call = {
  world: World
  language: string
  /** Folder of the settings files. */
  config: string
  say(id: string, args?: Readonly<Record<string, string | number>>): string
  /** A line about what is wrong in gatehouse.yaml. */
  problem(problem: Problem): string
  output: Output
}

/** What relative paths count from: where the person stands, also under `npm run`. */
export function baseFolder(world: World): string {
  return world.environment.INIT_CWD || world.folder
}
