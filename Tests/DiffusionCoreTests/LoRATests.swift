import Foundation
import Tensor
import TestSupport
import Testing

@testable import DiffusionCore

@Suite("LoRA") struct LoRATests {
  // Layers of the fixtures.
  private static let layer = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
  private static let convolution = "down_blocks.0.resnets.0.conv1"
  private static let textLayer = "text_model.encoder.layers.1.mlp.fc1"

  private func normal(_ shape: [Int], seed: UInt64) -> Tensor {
    var random = RandomSource(seed: seed)
    return random.normal(shape: shape)
  }

  private func write(_ tensors: [String: Tensor], metadata: [String: String] = [:], _ url: URL) throws {
    var writer = SafetensorsWriter()
    writer.metadata = metadata
    for (name, tensor) in tensors { writer.add(name, tensor) }
    try writer.write(to: url)
  }

  private func checkpoint(_ loras: LoRA..., model: String = "four-levels") throws -> Checkpoint {
    var options = ModelOptions()
    options.loras = loras
    return try Checkpoint(Fixtures.url("models/\(model)"), options: options)
  }

  /// Returns W + scale · up · down, computed in double precision.
  private func merged(_ weight: Tensor, _ down: Tensor, _ up: Tensor, scale: Double) -> [Double] {
    let (rank, outputs) = (down.shape[0], weight.shape[0])
    let inputs = weight.scalars.count / outputs
    let (w, a, b) = (weight.scalars, down.scalars, up.scalars)
    return (0..<outputs * inputs).map { index in
      let (row, column) = (index / inputs, index % inputs)
      let product = (0..<rank).reduce(0.0) {
        $0 + Double(b[row * rank + $1]) * Double(a[$1 * inputs + column])
      }
      return Double(w[index]) + scale * product
    }
  }

  private func expect(_ tensor: Tensor, _ wanted: [Double], relative: Double = 1e-5) {
    let worst = zip(tensor.scalars, wanted).map { abs(Double($0) - $1) / max(1, abs($1)) }.max() ?? 0
    #expect(worst <= relative)
  }

  @Test(
    "every naming scheme changes the right layers by weight · alpha / rank · up · down",
    arguments: [
      ("lora_unet_%.lora_down.weight", "lora_unet_%.lora_up.weight", "lora_unet_%.alpha", "_"),
      ("unet.%.lora_A.weight", "unet.%.lora_B.weight", nil, "."),
      ("%.lora_A.default.weight", "%.lora_B.default.weight", nil, "."),
      ("base_model.model.%.lora_A.weight", "base_model.model.%.lora_B.weight", nil, "."),
      ("unet.%.lora.down.weight", "unet.%.lora.up.weight", nil, "."),
    ] as [(String, String, String?, String)])
  func namings(down: String, up: String, alpha: String?, separator: String) throws {
    let folder = try ScratchFolder()
    let plain = try checkpoint().store(of: .unet)
    var tensors: [String: Tensor] = [:]
    var wanted: [String: [Double]] = [:]
    for layer in [Self.layer, Self.convolution] {
      let name = layer.replacing(".", with: separator)
      let weight = try plain.tensor(named: "\(layer).weight")
      let a = normal([3] + weight.shape.dropFirst(), seed: 1)
      let b = normal([weight.shape[0], 3] + weight.shape.dropFirst(2).map { _ in 1 }, seed: 2)
      tensors[down.replacing("%", with: name)] = a
      tensors[up.replacing("%", with: name)] = b
      if let alpha { tensors[alpha.replacing("%", with: name)] = Tensor([1.5], shape: []) }
      wanted[layer] = merged(weight, a, b, scale: 0.8 * (alpha == nil ? 1 : 0.5))
    }
    try write(tensors, folder("lora.safetensors"))
    let store = try checkpoint(LoRA(folder("lora.safetensors"), weight: 0.8)).store(of: .unet)
    for (layer, wanted) in wanted { expect(try store.tensor(named: "\(layer).weight"), wanted) }
    let untouched = "up_blocks.1.resnets.0.conv1.weight"
    #expect(try store.tensor(named: untouched) == plain.tensor(named: untouched))
  }

  @Test("supports names of CompVis, old attention processors and text encoders, and alpha from the metadata")
  func otherNamings() throws {
    let folder = try ScratchFolder()
    let plain = try checkpoint()
    func check(
      _ part: Checkpoint.Part, _ layer: String, _ down: String, _ up: String, scale: Double,
      metadata: [String: String] = [:]
    ) throws {
      let weight = try plain.store(of: part).tensor(named: "\(layer).weight")
      let a = normal([2, weight.shape[1]], seed: 3)
      let b = normal([weight.shape[0], 2], seed: 4)
      try write([down: a, up: b], metadata: metadata, folder("lora.safetensors"))
      let store = try checkpoint(LoRA(folder("lora.safetensors"))).store(of: part)
      expect(try store.tensor(named: "\(layer).weight"), merged(weight, a, b, scale: scale))
    }
    let original = "lora_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_q"
    try check(.unet, Self.layer, "\(original).lora_down.weight", "\(original).lora_up.weight", scale: 1)
    let block = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1"
    try check(
      .unet, Self.layer, "\(block).processor.to_q_lora.down.weight", "\(block).processor.to_q_lora.up.weight",
      scale: 1)
    try check(
      .unet, Self.layer.replacing("to_q", with: "to_out.0"), "\(block).processor.to_out_lora.down.weight",
      "\(block).processor.to_out_lora.up.weight", scale: 1)
    for text in [
      "lora_te_text_model_encoder_layers_1_mlp_fc1.lora_%.weight",
      "text_encoder.text_model.encoder.layers.1.mlp.fc1.lora_linear_layer.%.weight",
      "text_encoder.encoder.layers.1.mlp.fc1.lora.%.weight",
    ] {
      try check(
        .textEncoder, Self.textLayer, text.replacing("%", with: "down"), text.replacing("%", with: "up"),
        scale: 1)
    }
    let about = #"{"unet.r": 2, "unet.lora_alpha": 8, "unet.alpha_pattern": {"attn1.to_q": 3.0}}"#
    try check(
      .unet, Self.layer, "unet.\(Self.layer).lora_A.weight", "unet.\(Self.layer).lora_B.weight", scale: 1.5,
      metadata: ["lora_adapter_metadata": about])
  }

  @Test(
    "half-precision weights are the sum in single precision, rounded once",
    arguments: ["linear-v", "plain-first"])
  func halves(model: String) throws {
    let folder = try ScratchFolder()
    let name = "mid_block.resnets.0.conv1"
    let stored = try checkpoint(model: model).storedWeights(of: .unet)
    let place = try #require(stored.place(of: "\(name).weight"))
    let weight = try stored.tensor(named: "\(name).weight")
    let a = normal([2] + weight.shape.dropFirst(), seed: 5)
    let b = normal([weight.shape[0], 2, 1, 1], seed: 6)
    try write(
      ["unet.\(name).lora_A.weight": a, "unet.\(name).lora_B.weight": b], folder("lora.safetensors"))
    let store = try checkpoint(LoRA(folder("lora.safetensors")), model: model).store(of: .unet)
    let source = try (store.updates["\(name).weight"] ?? []).added(
      to: place.file.weight(place.entry, savesMemory: true), name)
    let wanted = merged(weight, a, b, scale: 1)
    let isHalf = source.format == .float16
    try source.withRows(0..<weight.shape[0]) { base in
      let halves = base.assumingMemoryBound(to: UInt16.self)
      for (index, value) in wanted.enumerated() {
        let found =
          isHalf
          ? Float(Float16(bitPattern: halves[index])) : Float(bitPattern: UInt32(halves[index]) << 16)
        #expect(abs(Double(found) - value) <= abs(value) * (isHalf ? 0x1p-11 : 0x1p-8) + 1e-6)
      }
    }
  }

  @Test(
    "several are summed in any order, those with weight zero are ignored, and they change the fingerprint")
  func several() throws {
    let folder = try ScratchFolder()
    for (file, seed) in [("a", 7), ("b", 9)] as [(String, UInt64)] {
      let name = "unet.\(Self.layer)"
      try write(
        [
          "\(name).lora_A.weight": normal([2, 8], seed: seed),
          "\(name).lora_B.weight": normal([8, 2], seed: seed + 1),
        ],
        folder(file))
    }
    let (a, b) = (LoRA(folder("a"), weight: 0.5), LoRA(folder("b"), weight: -1))
    let both = try checkpoint(a, b)
    #expect(try both.modelFingerprint() == checkpoint(b, a).modelFingerprint())
    let weight = "\(Self.layer).weight"
    #expect(
      try both.store(of: .unet).tensor(named: weight)
        == checkpoint(b, a).store(of: .unet).tensor(named: weight))
    let fingerprints = try [
      checkpoint(), checkpoint(a), checkpoint(b), both, checkpoint(LoRA(a.url, weight: 0.25), b),
    ].map { try $0.modelFingerprint() }
    #expect(Set(fingerprints).count == 5)
    #expect(try checkpoint(LoRA(a.url, weight: 0)).modelFingerprint() == fingerprints[0])
  }

  @Test("an error names the file and the tensor")
  func refusals() throws {
    let folder = try ScratchFolder()
    let (down, up) = (
      "lora_unet_mid_block_resnets_0_conv1.lora_down.weight",
      "lora_unet_mid_block_resnets_0_conv1.lora_up.weight"
    )
    let sound = [down: normal([2, 16, 3, 3], seed: 1), up: normal([16, 2, 1, 1], seed: 2)]
    let file = folder("lora.safetensors")
    func error(_ changes: [String: Tensor?], weight: Double = 1) throws -> InputError? {
      var tensors = sound
      for (name, tensor) in changes { tensors[name] = tensor }
      try write(tensors, file)
      do {
        _ = try checkpoint(LoRA(file, weight: weight)).modelFingerprint()
        return nil
      } catch { return error as? InputError }
    }
    #expect(try error([:]) == nil)
    let one = Tensor([1], shape: [1])
    let alpha = "lora_unet_mid_block_resnets_0_conv1.alpha"
    for (changes, kind, word) in [
      ([up: nil], .malformed, "counterpart"),
      ([down: Tensor([], shape: [0, 16, 3, 3]), up: Tensor([], shape: [16, 0, 1, 1])], .malformed, "rank"),
      ([up: normal([16, 3, 1, 1], seed: 2)], .malformed, "rank"),
      ([alpha: Tensor([.nan], shape: [])], .malformed, "alpha"),
      ([alpha: Tensor([1, 2], shape: [2])], .malformed, "one number"),
      ([down: normal([2, 12, 3, 3], seed: 1)], .mismatch, "another kind of model"),
      (
        ["lora_unet_down_blocks_9_x.lora_down.weight": one, "lora_unet_down_blocks_9_x.lora_up.weight": one],
        .malformed, "rank"
      ),
      (
        [
          "lora_unet_down_blocks_9_x.lora_down.weight": normal([1, 2], seed: 1),
          "lora_unet_down_blocks_9_x.lora_up.weight": normal([2, 1], seed: 1),
        ],
        .mismatch, "down_blocks_9_x"
      ),
      (
        [
          "lora_te2_text_model_x.lora_down.weight": normal([1, 2], seed: 1),
          "lora_te2_text_model_x.lora_up.weight": normal([2, 1], seed: 1),
        ], .mismatch, "lora_te2"
      ),
      (["lora_unet_mid_block_resnets_0_conv1.dora_scale": one], .unsupported, "DoRA"),
      (["lora_unet_mid_block_resnets_0_conv1.hada_w1_a": one], .unsupported, "LoHa"),
      (["lora_unet_mid_block_resnets_0_conv1.lokr_w1": one], .unsupported, "LoKr"),
      (["lora_unet_mid_block_resnets_0_conv1.lora_mid.weight": one], .unsupported, "Tucker"),
      (["mystery": one], .unsupported, "mystery"),
    ] as [([String: Tensor?], InputError.Kind, String)] {
      let found = try error(changes)
      #expect(
        found?.kind == kind && found?.message.contains(word) == true, "\(word): \(String(describing: found))")
      #expect(found?.message.contains(file.path) == true)
    }
    #expect(try error([:], weight: .infinity)?.kind == .outOfRange)
    try Data("nothing".utf8).write(to: file)
    #expect(throws: InputError.self) { try checkpoint(LoRA(file)) }
    #expect(throws: InputError.self) { try checkpoint(LoRA(folder("none.safetensors"))) }
  }

  @Test("the error for a merged value beyond half precision names the layer")
  func tooLarge() throws {
    let folder = try ScratchFolder()
    let name = "unet.mid_block.resnets.0.conv1"
    try write(
      [
        "\(name).lora_A.weight": normal([1, 24, 3, 3], seed: 1),
        "\(name).lora_B.weight": normal([24, 1, 1, 1], seed: 2),
      ],
      folder("lora"))
    let store = try checkpoint(LoRA(folder("lora"), weight: 1e6), model: "linear-v").store(of: .unet)
    let place = try #require(store.place(of: "mid_block.resnets.0.conv1.weight"))
    let source = try (store.updates["mid_block.resnets.0.conv1.weight"] ?? []).added(
      to: place.file.weight(place.entry, savesMemory: true), "mid_block.resnets.0.conv1.weight")
    #expect(throws: InputError.self) { try source.withRows(0..<24) { _ in } }
  }
}
