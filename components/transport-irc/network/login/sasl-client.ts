// SPDX-License-Identifier: Apache-2.0

/** One login. Both reject with an Error whose message says what was wrong with the server's word. */
export type SaslClient = {
  /** What is said first, after the server's empty challenge. */
  first(): Promise<Buffer>
  /** Answer to a challenge. */
  next(challenge: Buffer): Promise<Buffer>
  /** Whether the server may now say that we are logged in: SCRAM has proved that it knows the password too. */
  readonly proved: boolean
}
