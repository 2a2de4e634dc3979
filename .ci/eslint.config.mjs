// SPDX-License-Identifier: Apache-2.0
// Only what Biome cannot know without types: a promise that nobody waits for, and one where a plain value is meant.
import { parser, plugin } from 'typescript-eslint'

export default [
  {
    files: ['**/*.ts'],
    languageOptions: { parser, parserOptions: { project: './tsconfig.json' } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { '@typescript-eslint': plugin },
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        // node:test keeps the promises of its own functions.
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['test', 'suite', 'describe', 'it'] },
          ],
        },
      ],
      '@typescript-eslint/no-misused-promises': 'error',
    },
  },
]
