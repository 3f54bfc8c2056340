// The public runtime: topics, stages and their commits, shards.
export { readInput } from './inputs/read-input.js';
export { type KafkaOptions, openKafka } from './kafka/open-kafka.js';
export { openLog } from './log/open-log.js';
export type { JournaledModel, RiverParts } from './river/parts.js';
export { type River, type RiverOptions, startRiver } from './river/river.js';
export { type StageName, stageNames } from './river/stages.js';
export { type ManifestOptions, manifest } from './shards/manifest.js';
export { readManifest } from './shards/manifest-file.js';
export { type ShardOptions, shard } from './shards/shard.js';
export { verifyShards } from './shards/verify.js';
export { runStage, type StageOptions, type StageRun } from './stage/run-stage.js';
export type { Committed } from './stage/run-task.js';
export type { Stage, StageContext } from './stage/stage.js';
export type { GroupOptions, Membership, Message, StoredMessage, Task, TopicSpec, Topics } from './topics.js';
