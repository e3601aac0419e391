/// Network configurations inferred from tensor names and shapes, in the diffusers format.
///
/// Values that cannot be inferred are those of the Stable Diffusion family that the tensors belong to.
enum InferredConfiguration {
  /// Channels per head in Stable Diffusion 2; Stable Diffusion 1 has eight heads at every level.
  private static let headChannels = 64

  /// Returns the configuration of a UNet.
  ///
  /// - Parameters:
  ///   - store: The tensors of the UNet.
  ///   - sampleSize: The side length of the latents.
  static func unet(_ store: WeightStore, sampleSize: Int) -> JSONValue {
    func outputs(_ name: String) -> Int { store.shape(of: name)?.first ?? 0 }
    func count(_ path: String, _ tensor: String) -> Int {
      moduleCount(path, tensor, store.contains)
    }
    let levels = 0..<count("down_blocks", "resnets.0.conv1.weight")
    let widths = levels.map { outputs("down_blocks.\($0).resnets.0.conv1.weight") }
    let hasAttention = levels.map { store.contains("down_blocks.\($0).attentions.0.proj_in.weight") }
    let layers = levels.map { count("down_blocks.\($0).resnets", "conv1.weight") }
    func transformers(_ level: Int) -> [String] {
      ["down_blocks.\(level)", "up_blocks.\(levels.count - 1 - level)", "mid_block"]
        .map { "\($0).attentions.0" }.filter { store.contains("\($0).proj_in.weight") }
    }
    let depths = levels.map { level in
      transformers(level).first.map { count("\($0).transformer_blocks", "norm1.weight") } ?? 1
    }
    let first = levels.lazy.flatMap(transformers).first ?? ""
    let isSecondGeneration = store.shape(of: "\(first).proj_in.weight")?.count == 2
    var members: [String: JSONValue] = [
      "_class_name": "UNet2DConditionModel",
      "sample_size": .number(sampleSize),
      "in_channels": .number(store.shape(of: "conv_in.weight")?.dropFirst().first ?? 0),
      "out_channels": .number(outputs("conv_out.weight")),
      "block_out_channels": .array(widths.map { .number($0) }),
      "down_block_types": .array(hasAttention.map { $0 ? "CrossAttnDownBlock2D" : "DownBlock2D" }),
      "up_block_types": .array(
        levels.map {
          store.contains("up_blocks.\($0).attentions.0.proj_in.weight") ? "CrossAttnUpBlock2D" : "UpBlock2D"
        }),
      "mid_block_type": !store.contains("mid_block.resnets.0.conv1.weight")
        ? nil
        : store.contains("mid_block.attentions.0.proj_in.weight")
          ? "UNetMidBlock2DCrossAttn" : "UNetMidBlock2D",
      "layers_per_block": .oneOrEach(layers),
      "transformer_layers_per_block": .oneOrEach(depths),
      "attention_head_dim": isSecondGeneration
        ? .array(widths.map { .number(max(1, $0 / headChannels)) }) : 8,
      "cross_attention_dim": .number(
        store.shape(of: "\(first).transformer_blocks.0.attn2.to_k.weight")?.dropFirst().first ?? 0),
      "use_linear_projection": .bool(isSecondGeneration),
      "conv_in_kernel": .number(store.shape(of: "conv_in.weight")?.last ?? 3),
      "conv_out_kernel": .number(store.shape(of: "conv_out.weight")?.last ?? 3),
    ]
    if let shape = store.shape(of: "time_embedding.cond_proj.weight") {
      members["time_cond_proj_dim"] = .number(shape.last ?? 0)
    }
    if let name = ["class_embedding.", "add_embedding."].first(where: store.containsName(withPrefix:)) {
      members["class_embed_type"] = .string(name)
    }
    return .object(members)
  }

  /// Returns the configuration of an autoencoder.
  static func autoencoder(_ store: WeightStore) -> JSONValue {
    if store.contains("encoder.layers.0.weight") { return tinyAutoencoder(store) }
    func inputs(_ name: String) -> Int { store.shape(of: name)?.dropFirst().first ?? 0 }
    func count(_ path: String, _ tensor: String) -> Int {
      moduleCount(path, tensor, store.contains)
    }
    let levels = 0..<count("encoder.down_blocks", "resnets.0.conv1.weight")
    let widths = levels.map {
      store.shape(of: "encoder.down_blocks.\($0).resnets.0.conv1.weight")?.first ?? 0
    }
    return [
      "_class_name": "AutoencoderKL",
      "in_channels": .number(inputs("encoder.conv_in.weight")),
      "out_channels": .number(store.shape(of: "decoder.conv_out.weight")?.first ?? 0),
      "latent_channels": .number(inputs("decoder.conv_in.weight")),
      "block_out_channels": .array(widths.map { .number($0) }),
      "down_block_types": .array(levels.map { _ in "DownEncoderBlock2D" }),
      "up_block_types": .array(levels.map { _ in "UpDecoderBlock2D" }),
      "layers_per_block": .number(count("encoder.down_blocks.0.resnets", "conv1.weight")),
      "scaling_factor": 0.18215,
      "use_quant_conv": .bool(store.contains("quant_conv.weight")),
      "use_post_quant_conv": .bool(store.contains("post_quant_conv.weight")),
      "mid_block_add_attention": .bool(store.contains("encoder.mid_block.attentions.0.to_q.weight")),
    ]
  }

  /// Returns the configuration of a tiny autoencoder: runs of blocks between convolutions.
  private static func tinyAutoencoder(_ store: WeightStore) -> JSONValue {
    func outputs(_ name: String) -> Int { store.shape(of: name)?.first ?? 0 }
    func runs(_ network: String) -> [Int] {
      let layers = store.names.compactMap { name -> (number: Int, isBlock: Bool)? in
        guard name.hasPrefix("\(network).layers."), name.hasSuffix(".weight") else { return nil }
        let parts = name.split(separator: ".")
        guard parts.count > 3, let number = Int(parts[2]) else { return nil }
        return (number, parts[3] == "conv")
      }
      let blocks = Set(layers.filter(\.isBlock).map(\.number))
      let convolutions = layers.filter { !$0.isBlock }.map(\.number).sorted()
      return zip(convolutions, convolutions.dropFirst()).map { start, end in
        blocks.count { start < $0 && $0 < end }
      }
    }
    let (encoder, decoder) = (runs("encoder"), runs("decoder"))
    return [
      "_class_name": "AutoencoderTiny",
      "latent_channels": .number(store.shape(of: "decoder.layers.0.weight")?.dropFirst().first ?? 0),
      "num_encoder_blocks": .array(encoder.map { .number($0) }),
      "num_decoder_blocks": .array(decoder.map { .number($0) }),
      "encoder_block_out_channels": .array(encoder.map { _ in .number(outputs("encoder.layers.0.weight")) }),
      "decoder_block_out_channels": .array(decoder.map { _ in .number(outputs("decoder.layers.0.weight")) }),
    ]
  }

  /// Returns the configuration of a text encoder.
  ///
  /// - Parameters:
  ///   - store: The tensors of the text encoder.
  ///   - isOpenCLIP: Whether it is the text encoder of Stable Diffusion 2.
  static func textEncoder(_ store: WeightStore, isOpenCLIP: Bool) -> JSONValue {
    let embedding = store.shape(of: "text_model.embeddings.token_embedding.weight") ?? []
    let width = embedding.last ?? 0
    let layers = moduleCount("text_model.encoder.layers", "layer_norm1.weight", store.contains)
    return [
      "model_type": "clip_text_model",
      "architectures": ["CLIPTextModel"],
      "vocab_size": .number(embedding.first ?? 0),
      "hidden_size": .number(width),
      "intermediate_size": .number(
        store.shape(of: "text_model.encoder.layers.0.mlp.fc1.weight")?.first ?? 0),
      "num_hidden_layers": .number(layers),
      "num_attention_heads": .number(max(1, width / headChannels)),
      "max_position_embeddings": .number(
        store.shape(of: "text_model.embeddings.position_embedding.weight")?.first ?? 0),
      "hidden_act": isOpenCLIP ? "gelu" : "quick_gelu",
      "layer_norm_eps": 1e-5,
    ]
  }

  /// Returns the noise schedule that all Stable Diffusion 1 and 2 models were trained with.
  static func scheduler(_ prediction: NoiseSchedule.Prediction) -> JSONValue {
    [
      "_class_name": "DDIMScheduler",
      "num_train_timesteps": 1000,
      "beta_start": 0.00085,
      "beta_end": 0.012,
      "beta_schedule": "scaled_linear",
      "clip_sample": false,
      "set_alpha_to_one": false,
      "steps_offset": 1,
      "prediction_type": .string(prediction.rawValue),
    ]
  }
}
