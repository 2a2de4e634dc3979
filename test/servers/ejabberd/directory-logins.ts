// SPDX-License-Identifier: Apache-2.0
// Ways into ejabberd beside the password, for who is locked out: jabber:iq:auth, tokens of OAuth, and where it has them SASL2 (XEP-0388) and
// FAST (XEP-0484).
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { it } from 'node:test'
import { type Ejabberd, type EjabberdSettings, ejabberdVersion } from '../../../deploy/demo/ejabberd.ts'
import { attribute } from '../../harness/stanza-splitter.ts'
import type { LockedSession } from '../both/directory-lock.ts'
import { said } from '../both/directory-said.ts'
import { HOST } from '../both/house.ts'

const old = (await ejabberdVersion())?.startsWith('23.') === true
const noSasl2 = old ? 'ejabberd 23.01 has no SASL2; the long form plays this on Debian 13' : false

export const LOGIN_MODULES = ['mod_legacy_auth', ...(old ? [] : ['mod_auth_fast'])]
export const LOGIN_SETTINGS: Partial<EjabberdSettings> = {
  options: { disable_sasl_mechanisms: [] },
  listeners: old ? {} : { c2s: { allow_unencrypted_sasl2: true } },
}

const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
const SASL2 = 'urn:xmpp:sasl:2'
const FAST = 'urn:xmpp:fast:0'
const AGENT = "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'/>"
const SAID = /<(success|failure)\b(?:[^>]*\/>|.*?<\/\1>)/
const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64')
const withPassword = (more = '') =>
  `<authenticate xmlns='${SASL2}' mechanism='PLAIN'><initial-response>${base64('\0alice\0secret')}</initial-response>${AGENT}${more}</authenticate>`

export function otherLogins(on: LockedSession): void {
  it('refuses jabber:iq:auth, which knows no reason: the stream ends', async () => {
    const ask = `<iq type='set' id='a'><query xmlns='jabber:iq:auth'><username>alice</username><password>secret</password><resource>old</resource></query></iq>`
    await on.lock()
    assert.match(await said(on.house(), ask, /<iq [^>]*id='a'[^>]*\/>/), /type='result'/)
    await on.lock('alice')
    assert.match(
      await said(on.house(), ask, /<iq .*|<stream:error>.*<\/stream:error>/),
      /^<stream:error>.*not-authorized/,
    )
    assert.match(await on.house().server.shell('connected_users'), /^\s*$/)
  })

  it('refuses a token of OAuth that was given before', async (t) => {
    const server = on.house().server as Ejabberd
    if ((await server.evaluate('code:which(oauth2_priv_set).')) === 'non_existing')
      return t.skip('ejabberd has no library for OAuth here (Debian: erlang-p1-oauth2)')
    await on.lock()
    const token = 'b5a3e6f0'
    // What gives tokens is no part of Debian's ejabberd.
    const kept = `{oauth_token, <<"${token}">>, {<<"alice">>, <<"${HOST}">>}, [<<"sasl_auth">>], erlang:system_time(second) + 3600}`
    await server.evaluate(`ejabberd_oauth_mnesia:store(${kept}).`)
    const ask = `<auth xmlns='${SASL}' mechanism='X-OAUTH2'>${base64(`\0alice\0${token}`)}</auth>`
    assert.match(await said(on.house(), ask, SAID), /^<success/)
    await on.lock('alice')
    assert.match(await said(on.house(), ask, SAID), /<failure.*account-disabled/)
  })

  it('refuses SASL2', { skip: noSasl2 }, async () => {
    await on.lock()
    assert.match(await said(on.house(), withPassword(), SAID), /^<success/)
    await on.lock('alice')
    assert.match(await said(on.house(), withPassword(), SAID), /<failure.*account-disabled/)
  })

  it('refuses FAST, with a token given before', { skip: noSasl2 }, async () => {
    await on.lock()
    const given = await said(
      on.house(),
      withPassword(`<request-token xmlns='${FAST}' mechanism='HT-SHA-256-NONE'/>`),
      SAID,
    )
    const token = attribute(given.slice(given.indexOf('<token')), 'token') ?? ''
    assert.notEqual(token, '', given)
    const proof = createHmac('sha256', token).update('Initiator').digest()
    const initial = base64(Buffer.concat([Buffer.from('alice\0'), proof]))
    const ask = `<authenticate xmlns='${SASL2}' mechanism='HT-SHA-256-NONE'><initial-response>${initial}</initial-response>${AGENT}<fast xmlns='${FAST}'/></authenticate>`
    assert.match(await said(on.house(), ask, SAID), /^<success/)
    await on.lock('alice')
    assert.match(await said(on.house(), ask, SAID), /<failure.*account-disabled/)
  })
}
