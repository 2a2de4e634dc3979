// SPDX-License-Identifier: Apache-2.0
// Questions to an Erlang node of ours by its own input and output: a node that asks it from outside takes a quarter of a second each time.
import type { Writable } from 'node:stream'
import type { Lines } from './server.ts'

/**
 * An Erlang expression that begins to answer in the node it is evaluated in: a line `NUMBER EXPRESSION` each, answered by
 * `answer NUMBER ok VALUE` or `answer NUMBER no FAULT`; texts are base64. When the input ends we are gone, however that came: then
 * `atEnd` is done and the node ends.
 */
export function answering(atEnd: readonly string[]): string {
  const value = [
    '{ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(base64:decode(Text)))',
    '{ok, Expressions} = erl_parse:parse_exprs(Tokens)',
    '{value, Value, _} = erl_eval:exprs(Expressions, [])',
    '{ok, Value}',
  ].join(', ')
  const answer = [
    `{How, Said} = try ${value} catch Class:Fault:Stack -> {no, {Class, Fault, Stack}} end`,
    'Written = base64:encode(unicode:characters_to_binary(io_lib:format("~tp", [Said])))',
    'io:format("answer ~s ~s ~s~n", [Number, How, Written])',
  ].join(', ')
  const end = [...atEnd, 'erlang:halt(1, [{flush, false}])'].join(', ')
  const line = `[Number, Text] = string:lexemes(Line, " \\n"), spawn(fun() -> ${answer} end), Answer()`
  return `spawn(fun Answer() -> case io:get_line("") of eof -> ${end}; Line -> ${line} end end)`
}

/** Evaluates in such a node; gives the value as Erlang writes it. Rejects with the fault, or when the node ends before. */
export function evaluator(input: Writable, lines: Pick<Lines, 'find'>): (expression: string) => Promise<string> {
  let asked = 0
  return async (expression) => {
    const number = ++asked
    const said = lines.find(new RegExp(`^answer ${number} `), undefined)
    input.write(`${number} ${Buffer.from(expression).toString('base64')}\n`)
    const [, , how, written = ''] = (await said).split(' ')
    const text = Buffer.from(written, 'base64').toString()
    if (how !== 'ok') throw new Error(`${expression}\n${text}`)
    return text
  }
}
