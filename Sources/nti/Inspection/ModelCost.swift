internal import DiffusionCore
internal import NullTextInversion
internal import Tensor

/// The estimated memory and time of work with a model on this machine, from its shapes and the speed of matrix products.
struct ModelCost: Encodable {
  /// The peak memory in bytes of an inversion with gradients.
  let gradientBytes: Int
  /// The peak memory in bytes of other inversions and of edits.
  let editBytes: Int
  /// The peak memory in bytes of edits with the smallest possible `--memory`.
  let leastEditBytes: Int
  /// The time of one evaluation of the UNet.
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
    // Measured at the matrix size of the UNet's second level, because small networks have small products, which are slower.
    // Evaluations reach about this rate: their other operations take about the time that Winograd
    // convolutions save.
    let widths = configuration.unet.blockOutChannels
    let rate = Linear.productRate(
      rows: max(1, height * width / 4), channels: widths[min(1, widths.count - 1)], runs: 30)
    evaluationSeconds = Double(operations) / rate
  }

  var memoryText: String {
    "about \(Format.bytes(gradientBytes)) for an inversion with gradients, \(Format.bytes(editBytes)) for other work; "
      + "at least \(Format.bytes(leastEditBytes)) with --memory"
  }

  var timeText: String {
    let pace = NetworkPace(evaluation: evaluationSeconds)
    func time(_ method: InversionMethod) -> String {
      Format.duration(InversionOptions(method: method).mostWork.seconds(at: pace))
    }
    // Per step: the source with its text, and the target with and without text.
    let edit = Format.duration(Double(3 * InversionOptions().steps) * evaluationSeconds)
    return
      "about \(time(.direct)) for --method direct, at most \(time(.nullText())) for null-text, \(edit) for an edit, in "
      + "\(InversionOptions().steps) steps; nti benchmark measures it"
  }
}
