// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readShared, sharedSchema } from '../../../components/kit/process/settings.ts'
import { assertExample } from '../../harness/example-settings.ts'

const EXAMPLE = fileURLToPath(new URL('../../../config/gatehouse.yaml', import.meta.url))

function readText(text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-shared-'))
  try {
    writeFileSync(join(folder, 'gatehouse.yaml'), text)
    return readShared(join(folder, 'gatehouse.yaml'), {})
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('config/gatehouse.yaml', () => {
  it('names every setting and gives exactly the defaults', () => assertExample(EXAMPLE, sharedSchema(), readText))

  it('is caught when a line differs from its default', () => {
    assert.throws(() =>
      assertExample(EXAMPLE, sharedSchema(), (text) => readText(text.replace(/^ {2}port: 5347/m, '  port: 5348'))),
    )
  })

  it('is caught when a setting is not named', () => {
    const schema = { properties: { ...(sharedSchema().properties as object), forgotten: {} } }
    assert.throws(() => assertExample(EXAMPLE, schema, readText), /names the setting forgotten/)
  })
})
