extension UNetConfiguration: Decodable {
  private enum Key: String, CodingKey {
    case className = "_class_name"
    case version = "_diffusers_version"
    case inChannels = "in_channels"
    case outChannels = "out_channels"
    case sampleSize = "sample_size"
    case downBlockTypes = "down_block_types"
    case midBlockType = "mid_block_type"
    case upBlockTypes = "up_block_types"
    case blockOutChannels = "block_out_channels"
    case layersPerBlock = "layers_per_block"
    case transformerLayersPerBlock = "transformer_layers_per_block"
    case reverseTransformerLayersPerBlock = "reverse_transformer_layers_per_block"
    case attentionHeadDim = "attention_head_dim"
    case numAttentionHeads = "num_attention_heads"
    case crossAttentionDim = "cross_attention_dim"
    case normNumGroups = "norm_num_groups"
    case normEps = "norm_eps"
    case actFn = "act_fn"
    case flipSinToCos = "flip_sin_to_cos"
    case freqShift = "freq_shift"
    case timeEmbeddingDim = "time_embedding_dim"
    case useLinearProjection = "use_linear_projection"
    case downsamplePadding = "downsample_padding"
    case midBlockScaleFactor = "mid_block_scale_factor"
    case resnetOutScaleFactor = "resnet_out_scale_factor"
    case convInKernel = "conv_in_kernel"
    case convOutKernel = "conv_out_kernel"

    case additionEmbedType = "addition_embed_type"
    case attentionType = "attention_type"
    case centerInputSample = "center_input_sample"
    case classEmbedType = "class_embed_type"
    case classEmbeddingsConcat = "class_embeddings_concat"
    case crossAttentionNorm = "cross_attention_norm"
    case dualCrossAttention = "dual_cross_attention"
    case encoderHidDim = "encoder_hid_dim"
    case encoderHidDimType = "encoder_hid_dim_type"
    case numClassEmbeds = "num_class_embeds"
    case onlyCrossAttention = "only_cross_attention"
    case resnetSkipTimeAct = "resnet_skip_time_act"
    case resnetTimeScaleShift = "resnet_time_scale_shift"
    case timeEmbeddingActFn = "time_embedding_act_fn"
    case timeEmbeddingType = "time_embedding_type"
    case timestepPostAct = "timestep_post_act"
  }

  /// Decodes the keys of diffusers' `UNet2DConditionModel`; other keys are ignored.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    func value<T: Decodable>(_ key: Key, _ absent: T) throws -> T {
      try container.decodeIfPresent(T.self, forKey: key) ?? absent
    }
    func values<T: Decodable & Sendable>(_ key: Key, _ absent: T, _ count: Int) throws -> [T] {
      try value(key, OneOrEach.one(absent)).values(count)
    }

    className = try container.decodeIfPresent(String.self, forKey: .className)
    inChannels = try value(.inChannels, 4)
    outChannels = try value(.outChannels, 4)
    downBlockTypes = try value(
      .downBlockTypes, Array(repeating: "CrossAttnDownBlock2D", count: 3) + ["DownBlock2D"])
    upBlockTypes = try value(
      .upBlockTypes, ["UpBlock2D"] + Array(repeating: "CrossAttnUpBlock2D", count: 3))
    midBlockType =
      container.contains(.midBlockType)
      ? try container.decodeIfPresent(String.self, forKey: .midBlockType) : "UNetMidBlock2DCrossAttn"
    blockOutChannels = try value(.blockOutChannels, [320, 640, 1280, 1280])

    let count = downBlockTypes.count
    layersPerBlock = try values(.layersPerBlock, 2, count)
    transformerLayersPerBlock = try values(.transformerLayersPerBlock, 1, count)
    upTransformerLayersPerBlock =
      try container.decodeIfPresent([Int].self, forKey: .reverseTransformerLayersPerBlock)
      ?? transformerLayersPerBlock.reversed()
    headCounts = try values(.attentionHeadDim, 8, count)
    crossAttentionWidths = try values(.crossAttentionDim, 1280, count)
    normGroups = try value(.normNumGroups, 32)
    normEpsilon = try value(.normEps, 1e-5)
    activation = try value(.actFn, "silu")
    flipSinToCos = try value(.flipSinToCos, true)
    frequencyShift = try value(.freqShift, 0)
    usesLinearProjection = try value(.useLinearProjection, false)
    downsamplePadding = try value(.downsamplePadding, 1)
    midBlockScaleFactor = try value(.midBlockScaleFactor, 1)
    resnetOutScaleFactor = try value(.resnetOutScaleFactor, 1)
    convInKernel = try value(.convInKernel, 3)
    convOutKernel = try value(.convOutKernel, 3)

    let size = try values(.sampleSize, 64, 2)
    let isSquareFromBeforeVersion9 =
      try Self.isBeforeVersion9(container.decodeIfPresent(String.self, forKey: .version))
      && size.count == 2 && size[0] == size[1] && size[0] < 64
    // The first releases of diffusers wrote half of Stable Diffusion's size or less; later releases correct it to 64.
    sampleHeight = isSquareFromBeforeVersion9 ? 64 : size.first ?? 0
    sampleWidth = isSquareFromBeforeVersion9 ? 64 : size.last ?? 0

    var refusals: [String] = []
    func refuse(_ key: Key, when isSet: Bool, _ what: String) {
      if isSet { refusals.append("\(key.rawValue) requires \(what). This is not supported.") }
    }
    func isPresent(_ key: Key) throws -> Bool {
      try container.contains(key) && !container.decodeNil(forKey: key)
    }
    let addition = try value(.additionEmbedType, "")
    refuse(
      .additionEmbedType, when: !addition.isEmpty,
      addition == "text_time"
        ? "the size and crop embeddings of Stable Diffusion XL" : "\"\(addition)\" embeddings")
    refuse(
      .numAttentionHeads, when: try isPresent(.numAttentionHeads),
      "a number of heads other than attention_head_dim")
    refuse(.classEmbedType, when: try isPresent(.classEmbedType), "class embeddings")
    refuse(.numClassEmbeds, when: try isPresent(.numClassEmbeds), "class embeddings")
    refuse(.classEmbeddingsConcat, when: try value(.classEmbeddingsConcat, false), "class embeddings")
    refuse(.encoderHidDim, when: try isPresent(.encoderHidDim), "a projection of the text embeddings")
    refuse(.encoderHidDimType, when: try isPresent(.encoderHidDimType), "a projection of the text embeddings")
    let timeEmbeddingType = try value(.timeEmbeddingType, "positional")
    refuse(.timeEmbeddingType, when: timeEmbeddingType != "positional", "\"\(timeEmbeddingType)\" embeddings")
    let width = blockOutChannels.first ?? 0
    let timeWidth = try container.decodeIfPresent(Int.self, forKey: .timeEmbeddingDim)
    refuse(
      .timeEmbeddingDim, when: timeWidth.map { !$0.isMultiple(of: 4) || $0 / 4 != width } ?? false,
      "a time embedding with a width other than four times the first block's")
    refuse(.timeEmbeddingActFn, when: try isPresent(.timeEmbeddingActFn), "another time embedding")
    refuse(.timestepPostAct, when: try isPresent(.timestepPostAct), "another time embedding")
    let scaleShift = try value(.resnetTimeScaleShift, "default")
    refuse(.resnetTimeScaleShift, when: scaleShift != "default", "\"\(scaleShift)\" residual blocks")
    refuse(.resnetSkipTimeAct, when: try value(.resnetSkipTimeAct, false), "another residual block")
    let attentionType = try value(.attentionType, "default")
    refuse(.attentionType, when: attentionType != "default", "\"\(attentionType)\" attention")
    refuse(.dualCrossAttention, when: try value(.dualCrossAttention, false), "two cross-attentions per layer")
    refuse(
      .onlyCrossAttention, when: try values(.onlyCrossAttention, false, 1).contains(true),
      "layers without self-attention")
    refuse(.crossAttentionNorm, when: try isPresent(.crossAttentionNorm), "a norm of the text embeddings")
    refuse(.downsamplePadding, when: downsamplePadding != 1, "padding of \(downsamplePadding), not 1")
    refuse(.resnetOutScaleFactor, when: resnetOutScaleFactor != 1, "scaled residual blocks")
    refuse(.centerInputSample, when: try value(.centerInputSample, false), "an input in another range")
    self.refusals = refusals
  }

  /// Returns whether a version such as `0.8.1` is older than 0.9.0.
  private static func isBeforeVersion9(_ version: String?) -> Bool {
    guard let parts = version?.split(separator: "."), parts.count >= 2, parts[0] == "0" else { return false }
    return Int(parts[1]).map { $0 < 9 } ?? false
  }
}
