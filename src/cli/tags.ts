/** The commands `tags` and `policies`: tags and resource policies, by ARN. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Record from "effect/Record"
import type { OptionNames } from "../internal/model/optionNames.js"
import * as Client from "./client.js"
import * as Input from "./input.js"
import { repeated, required } from "./option.js"
import * as Output from "./output.js"

const arn = required("arn", "ARN", "the ARN of the resource, as get and create print it")

const names: OptionNames = [
  ["resourceArn", "--arn"],
  ["tagKeys", "--key"],
  ["tags", "--tag"],
  ["policy", "--file"]
]

const listTags = Command.make(
  "list",
  { arn, ...Client.common },
  (given) =>
    Client.run(
      given,
      (identity) =>
        Effect.flatMap(identity.listTagsForResource({ resourceArn: given.arn }), ({ tags = {} }) =>
          given.json
            ? Output.json({ tags })
            : Output.lines(Record.toEntries(tags).map(([key, value]) => `${key}=${value}`))),
      { names }
    )
).pipe(
  Command.withDescription("Lists the tags of a resource, one per line.")
)

const parseTags = (given: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    if (given.length === 0) return yield* Output.usageInvalid("--tag is required")
    return Record.fromEntries(
      yield* Effect.forEach(given, (text) => {
        const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
        return key === undefined || value === undefined
          ? Output.usageInvalid(`--tag: expected KEY=VALUE, got '${text}'`)
          : Effect.succeed([key, value] as const)
      })
    )
  })

const addTags = Command.make(
  "add",
  {
    arn,
    tags: repeated("tag", "KEY=VALUE", "a tag to add or to replace", "at least one is required"),
    ...Client.common
  },
  (given) =>
    Client.run(given, (identity) =>
      Effect.gen(function*() {
        yield* identity.tagResource({ resourceArn: given.arn, tags: yield* parseTags(given.tags) })
        yield* Output.done(given.json, { arn: given.arn, outcome: "tagged" }, `tagged ${given.arn}`)
      }), { check: Effect.asVoid(parseTags(given.tags)), names })
).pipe(Command.withDescription("Adds tags to a resource."))

const removeTags = Command.make(
  "remove",
  { arn, keys: repeated("key", "KEY", "the key of a tag to remove", "at least one is required"), ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.zipRight(
        identity.untagResource({ resourceArn: given.arn, tagKeys: given.keys }),
        Output.done(given.json, { arn: given.arn, outcome: "untagged" }, `untagged ${given.arn}`)
      ), {
      check: given.keys.length === 0 ? Effect.fail(Output.usageInvalid("--key is required")) : Effect.void,
      names
    })
).pipe(Command.withDescription("Removes tags from a resource."))

const getPolicy = Command.make(
  "get",
  { arn, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.flatMap(
        identity.getResourcePolicy({ resourceArn: given.arn }),
        ({ policy }) =>
          given.json
            ? Output.json({ policy })
            : policy === undefined
            ? Output.note("no policy")
            : Output.lines([policy])
      ), { names })
).pipe(Command.withDescription("Prints the policy of a resource."))

const putPolicy = Command.make("put", {
  arn,
  file: required("file", "FILE", "a file with the policy in the JSON of IAM, or - for standard input"),
  ...Client.common
}, (given) =>
  Client.run(given, (identity) =>
    Effect.gen(function*() {
      yield* identity.putResourcePolicy({ resourceArn: given.arn, policy: yield* Input.text(given.file) })
      yield* Output.done(given.json, { arn: given.arn, outcome: "stored" }, `stored the policy of ${given.arn}`)
    }), { names })).pipe(
    Command.withDescription("Creates or replaces the policy of a resource.")
  )

const removePolicy = Command.make(
  "delete",
  { arn, ...Client.common },
  (given) =>
    Client.run(given, (identity) =>
      Effect.zipRight(
        identity.deleteResourcePolicy({ resourceArn: given.arn }),
        Output.done(given.json, { arn: given.arn, outcome: "deleted" }, `deleted the policy of ${given.arn}`)
      ), { names })
).pipe(Command.withDescription("Deletes the policy of a resource."))

/** @internal */
export const tagSubcommands = [listTags, addTags, removeTags] as const

/** @internal */
export const policySubcommands = [getPolicy, putPolicy, removePolicy] as const

/** @internal */
export const tags = Command.make("tags").pipe(
  Command.withDescription("Manages the tags of workload identities, credential providers and consent portals."),
  Command.withSubcommands(tagSubcommands)
)

/** @internal */
export const policies = Command.make("policies").pipe(
  Command.withDescription("Manages resource policies."),
  Command.withSubcommands(policySubcommands)
)
