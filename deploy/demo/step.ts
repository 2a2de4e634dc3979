// SPDX-License-Identifier: Apache-2.0

/** A line of the play: throws when what it says does not hold; what it returns is shown below. */
export type Step = { says: string; play(): Promise<string | undefined> }
