// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { external } from '../both/directory-external.ts'
import { openEjabberdDirectory } from './directory-house.ts'
import { noEjabberd } from './gated.ts'

external('ejabberd', noEjabberd, ({ folder, cert, key, caFile }) => {
  mkdirSync(join(folder, 'certs'), { recursive: true })
  writeFileSync(join(folder, 'certs', 'server.pem'), readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'))
  return openEjabberdDirectory(
    { folder },
    { options: { c2s_cafile: caFile }, listeners: { c2s: { starttls: true, tls_verify: true } } },
  )
})
