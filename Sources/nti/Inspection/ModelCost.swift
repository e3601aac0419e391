internal import DiffusionCore
internal import NullTextInversion
internal import Tensor

/// About what work with a model takes on this machine, from its shapes and the speed of matrix products.
struct ModelCost: Encodable {
  /// The most bytes that the process takes for an inversion with gradients.
  let gradientBytes: Int
  /// The same for other inversions and edits.
  let editBytes: Int
  /// The same for edits with the smallest `--memory`.
  let leastEditBytes: Int
  /// Of one evaluation of the UNet.
  let evaluationSeconds: Double

  init(of checkpoint: Checkpoint) throws {
    let memory = try ModelMemory(checkpoint, largestGrid: EditOptions().largestSelfGrid)
    let editing = MemoryPlan.all(memory, differentiates: false)
    gradientBytes = MemoryPlan.all(memory, differentiates: true)[0].byteCount
    editBytes = editing[0].byteCount
    leastEditBytes = editing.map(\.byteCount).min() ?? 0
    let configuration = try ModelConfiguration(checkpoint)
    let (height, width) = configuration.unet.sampleSize
    let operations = configuration.unet.operations(
      height: height, width: width, tokens: configuration.textEncoder.positionCount)
    // At the size of products of the second level: small networks have small ones, which are slower. Evaluations reach about
    // this rate: what else they do takes about what minimal filtering saves.
    let widths = configuration.unet.blockOutChannels
    let rate = Linear.productRate(
      rows: max(1, height * width / 4), channels: widths[min(1, widths.count - 1)], runs: 30)
    evaluationSeconds = Double(operations) / rate
  }

  var memoryText: String {
    "about \(Format.bytes(gradientBytes)) for an inversion with gradients, \(Format.bytes(editBytes)) for others and edits; "
      + "at least \(Format.bytes(leastEditBytes)) with --memory"
  }

  var timeText: String {
    let pace = NetworkPace(evaluation: evaluationSeconds)
    func time(_ method: InversionMethod) -> String {
      Format.duration(InversionOptions(method: method).mostWork.seconds(at: pace))
    }
    // The source and the target, each with and without text, but for the source's empty text.
    let edit = Format.duration(Double(3 * InversionOptions().steps) * evaluationSeconds)
    return
      "about \(time(.direct)) for --method direct, at most \(time(.nullText())) for null-text, \(edit) for an edit, of "
      + "\(InversionOptions().steps) steps; nti benchmark measures it"
  }
}
