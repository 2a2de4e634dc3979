// SPDX-License-Identifier: Apache-2.0
// Whose picture is shown: the directory's, or the one that its owner has chosen.

/** What stands at the account: nothing was ever published; its owner has taken it away; a picture, by the SHA-1 of its bytes. */
export type Shown = 'none' | 'empty' | { sha1: string }

/** 'keep': it is his own, and stays. 'same': it is ours already. */
export type AvatarStep = 'keep' | 'same' | 'publish' | 'take-away' | 'nothing'

/** All that we have ever published there (SHA-1), and whether the last we did was to take it away. */
export type Past = { ours: ReadonlySet<string>; tookAway: boolean }

/** `face`: of the directory, null for none. */
export function decideAvatar(
  shown: Shown,
  face: { sha1: string } | null,
  { ours, tookAway }: Past,
  ownWins: boolean,
): AvatarStep {
  if (shown === 'none') return face === null ? 'nothing' : 'publish'
  const isOurs = shown !== 'empty' && (ours.has(shown.sha1) || shown.sha1 === face?.sha1)
  if (face === null) return isOurs ? 'take-away' : 'keep'
  if (shown !== 'empty' && shown.sha1 === face.sha1) return 'same'
  // Nobody chose to be without this picture who has never had one of ours, or lost it by us.
  if (shown === 'empty' && (ours.size === 0 || tookAway)) return 'publish'
  return isOurs || !ownWins ? 'publish' : 'keep'
}
