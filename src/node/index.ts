// The package's own entry: a node within another process.

export {
  createNode,
  type NodeEvent,
  type NodeOptions,
  type NodeStatus,
  QuadrilleNode,
  type Submission,
} from './node.ts'
