// SPDX-License-Identifier: Apache-2.0
// The command line has no settings of its own; it reads where the sockets are.
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { BadSettings, type Problem, problemLine, readShared } from '../kit/process/settings.ts'
import { baseFolder, type World } from './call.ts'

/** --config, else GATEHOUSE_CONFIG, else ./config; where that is not there, /etc/gatehouse. */
export function configFolder(world: World, said: string | undefined): string {
  const named = said ?? world.environment.GATEHOUSE_CONFIG
  const here = resolve(baseFolder(world), named ?? 'config')
  return named === undefined && !existsSync(here) ? '/etc/gatehouse' : here
}

/** The folder of the sockets, or what is wrong in gatehouse.yaml. */
export function readRunFolder(config: string): { run: string } | { wrong: string } {
  try {
    return { run: readShared(join(config, 'gatehouse.yaml')).folders.run }
  } catch (fault) {
    if (fault instanceof BadSettings) return { wrong: fault.message }
    throw fault
  }
}

export function problemLines(problems: readonly Problem[]): string[] {
  return problems.map(problemLine)
}
