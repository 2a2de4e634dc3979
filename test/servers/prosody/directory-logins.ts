// SPDX-License-Identifier: Apache-2.0
// Ways into Prosody that not every server has, for who is locked out: jabber:iq:auth, SASL2 (XEP-0388), FAST (XEP-0484), and resumption within it.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { it } from 'node:test'
import { prosodyVersion } from '../../../deploy/demo/prosody.ts'
import { attribute } from '../../harness/stanza-splitter.ts'
import type { LockedSession } from '../both/directory-lock.ts'
import { said } from '../both/directory-said.ts'

/** In prosody-modules of Debian 12, mod_sasl2_fast ends every stream with an error: it needs a Prosody after 0.12.3. */
const fastRuns = !(await prosodyVersion())?.startsWith('0.12.')
const noFast = fastRuns ? false : 'mod_sasl2_fast does not run on Prosody 0.12.3; the long form plays this on Debian 13'

export const LOGIN_MODULES = ['legacyauth', 'sasl2', ...(fastRuns ? ['sasl2_fast', 'sasl2_sm'] : [])]

const SASL2 = 'urn:xmpp:sasl:2'
const FAST = 'urn:xmpp:fast:0'
const AGENT = "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'/>"
const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64')

export function otherLogins(on: LockedSession): void {
  it('refuses jabber:iq:auth', async () => {
    const ask = `<iq type='set' id='a'><query xmlns='jabber:iq:auth'><username>alice</username><password>secret</password><resource>old</resource></query></iq>`
    await on.lock()
    assert.match(await said(on.house(), ask, /<iq [^>]*id='a'[^>]*\/>/), /type='result'/)
    await on.lock('alice')
    assert.match(await said(on.house(), ask, /<iq [^>]*id='a'.*<\/iq>/), /not-authorized/)
  })

  it('refuses SASL2', async () => {
    await on.lock()
    assert.match(await said(on.house(), withPassword(), /<(success|failure) .*<\/\1>/), /^<success/)
    await on.lock('alice')
    assert.match(await said(on.house(), withPassword(), /<(success|failure) .*<\/\1>/), /<failure.*account-disabled/)
  })

  it('refuses FAST, with a token given before', { skip: noFast }, async () => {
    await on.lock()
    const request = `<request-token xmlns='${FAST}' mechanism='HT-SHA-256-NONE'/>`
    const given = await said(on.house(), withPassword(request), /<(success|failure) .*<\/\1>/)
    const token = attribute(given.slice(given.indexOf('<token')), 'token') ?? ''
    assert.notEqual(token, '')
    const proof = createHmac('sha256', token).update('Initiator').digest()
    const initial = base64(Buffer.concat([Buffer.from('alice\0'), proof]))
    const ask = `<authenticate xmlns='${SASL2}' mechanism='HT-SHA-256-NONE'><initial-response>${initial}</initial-response>${AGENT}<fast xmlns='${FAST}'/></authenticate>`
    assert.match(await said(on.house(), ask, /<(success|failure) .*<\/\1>/), /^<success/)
    await on.lock('alice')
    assert.match(await said(on.house(), ask, /<(success|failure) .*<\/\1>/), /<failure.*account-disabled/)
  })
}

const withPassword = (more = '') =>
  `<authenticate xmlns='${SASL2}' mechanism='PLAIN'><initial-response>${base64('\0alice\0secret')}</initial-response>${AGENT}${more}</authenticate>`
