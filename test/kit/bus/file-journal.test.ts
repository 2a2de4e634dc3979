// SPDX-License-Identifier: Apache-2.0
import { make } from './file-engine.ts'
import { testEngine } from './journal-body.ts'

testEngine('file', make)
