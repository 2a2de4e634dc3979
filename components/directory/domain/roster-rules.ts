// SPDX-License-Identifier: Apache-2.0
// Which groups stand in rosters, under which name, and who is shown them. deploy/servers/DIRECTORY.md §5.

/** To whom a group is shown. */
export const SHOWN = ['members', 'everybody', 'groups', 'nobody'] as const
export type Shown = (typeof SHOWN)[number]

export type RosterRule = {
  /** Patterns of names, without regard to case; * is any text. */
  groups: readonly string[]
  /** {name}: that of the group. */
  name: string
  shown: Shown
  /** With shown 'groups': patterns of names of those whose members see it. */
  to: readonly string[]
  order: number
}

/** How one group stands in rosters; `to`: ids of groups. */
export type RosterGroup = { name: string; shown: Exclude<Shown, 'nobody'>; to: readonly string[]; order: number }

/** Which names a pattern is. */
export function namePattern(pattern: string): RegExp {
  const pieces = pattern.split('*').map((piece) => piece.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
  return new RegExp(`^${pieces.join('.*')}$`, 'isu')
}

/** Those that fit the name of no group. */
export function namesNoGroup<T extends { pattern: string }>(
  patterns: readonly T[],
  groups: Iterable<{ name: string }>,
): T[] {
  const names = [...groups].map(({ name }) => name)
  return patterns.filter(({ pattern }) => {
    const fits = namePattern(pattern)
    return !names.some((name) => fits.test(name))
  })
}

export type RosterRules = {
  /** null: the group is in no roster. */
  of(name: string): { rule: RosterRule; shownAs: string } | null
  /** Whether members of a group by this name are shown what the rule says. */
  isShownTo(rule: RosterRule, name: string): boolean
}

/** The first rule of which a pattern fits decides. */
export function rosterRules(rules: readonly RosterRule[]): RosterRules {
  const read = rules.map((rule) => ({ rule, groups: rule.groups.map(namePattern), to: rule.to.map(namePattern) }))
  return {
    of(name) {
      const found = read.find(({ groups }) => groups.some((pattern) => pattern.test(name)))
      if (found === undefined || found.rule.shown === 'nobody') return null
      const shownAs = found.rule.name.replaceAll('{name}', () => name).trim()
      return { rule: found.rule, shownAs: shownAs === '' ? name : shownAs }
    },
    isShownTo(rule, name) {
      return read.find((one) => one.rule === rule)?.to.some((pattern) => pattern.test(name)) ?? false
    },
  }
}
