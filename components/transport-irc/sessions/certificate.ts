// SPDX-License-Identifier: Apache-2.0
// A certificate for logging in on a network (CertFP, SASL EXTERNAL): signed by its own key; nobody but the network's services looks at it.
import { generateKeyPairSync, hash, randomBytes, sign } from 'node:crypto'

export type Certificate = { key: string; cert: string; fingerprint: string }

const YEARS = 10
const SEQUENCE = 0x30
const SET = 0x31
const INTEGER = 0x02
const BIT_STRING = 0x03
const OID = 0x06
const UTF8 = 0x0c
const UTC_TIME = 0x17
const VERSION = 0xa0
/** ecdsa-with-SHA256 (RFC 5758 §3.2) and commonName (RFC 4519 §2.3), encoded. */
const ECDSA_SHA256 = Buffer.from('2a8648ce3d040302', 'hex')
const COMMON_NAME = Buffer.from('550403', 'hex')

/** RFC 5280 §4.1. PEM; `fingerprint`: SHA-256 of the certificate, hex. */
export function makeCertificate(name: string, now: number): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = der(SEQUENCE, der(OID, ECDSA_SHA256))
  const subject = der(
    SEQUENCE,
    der(SET, der(SEQUENCE, der(OID, COMMON_NAME), der(UTF8, Buffer.from(name.slice(0, 64))))),
  )
  const serial = randomBytes(16)
  // Positive, and of the same length always.
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
  const signed = der(
    SEQUENCE,
    der(VERSION, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, serial),
    algorithm,
    subject,
    der(SEQUENCE, der(UTC_TIME, time(now - 86_400_000)), der(UTC_TIME, time(now + YEARS * 365 * 86_400_000))),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
  )
  const signature = sign('sha256', signed, privateKey)
  const whole = der(SEQUENCE, signed, algorithm, der(BIT_STRING, Buffer.from([0]), signature))
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? []
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    fingerprint: hash('sha256', whole, 'hex'),
  }
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const length =
    body.length < 0x80
      ? [body.length]
      : body.length < 0x100
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}

/** YYMMDDHHMMSSZ; good until 2049. */
function time(at: number): Buffer {
  return Buffer.from(`${new Date(at).toISOString().replace(/\D/g, '').slice(2, 14)}Z`)
}
