/** Commands that send the request of an operation from a JSON file. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type { IdentityService } from "../IdentityService.js"
import * as Client from "./client.js"
import * as Input from "./input.js"
import { required } from "./option.js"
import * as Output from "./output.js"

const file = required("file", "FILE", "a file with the request in the JSON of AWS, or - for standard input")

/** A command that sends the request in `--file` and prints the reply. */
export const fromFile = <Name extends string, A, I, B, J, E extends Output.Failure>(
  name: Name,
  description: string,
  { reply, request }: { readonly request: Schema.Schema<A, I>; readonly reply: Schema.Schema<B, J> },
  send: (identity: IdentityService["Type"], request: A) => Effect.Effect<B, E>
) =>
  Command.make(
    name,
    { file, ...Client.common },
    (given) =>
      Client.run(given, (identity) =>
        Effect.gen(function*() {
          const answer = yield* send(identity, yield* Input.json(given.file, request))
          yield* Output.value(given.json, reply, answer)
        }))
  ).pipe(Command.withDescription(description))
