import DiffusionCore
import Foundation
import Testing

/// Decodes and validates a configuration file with this content.
private func read<T: CheckpointConfiguration>(_ json: String, as: T.Type = T.self) throws -> T {
  let configuration = try JSONDecoder().decode(T.self, from: Data(json.utf8))
  try configuration.validate()
  return configuration
}

/// Expects that each content throws an error whose message contains the given word.
private func expectRefusal<T: CheckpointConfiguration>(of cases: [(String, String)], as type: T.Type) {
  for (json, word) in cases {
    do {
      _ = try read(json, as: type)
      Issue.record("\(json) is accepted")
    } catch {
      let message = (error as? InputError)?.message ?? ""
      #expect(message.contains(word) && message.hasSuffix("."), "\(json): \(error)")
    }
  }
}

@Suite("UNet configuration") struct CheckpointUNetConfigurationTests {
  // The defaults of diffusers' `UNet2DConditionModel.__init__`.
  @Test("missing keys have the defaults of diffusers")
  func defaults() throws {
    let unet: UNetConfiguration = try read("{}")
    #expect(unet.inChannels == 4 && unet.outChannels == 4 && unet.sampleSize == (64, 64))
    #expect(unet.blockOutChannels == [320, 640, 1280, 1280])
    #expect((0..<4).map(unet.downBlockHasAttention) == [true, true, true, false])
    #expect((0..<4).map(unet.upBlockHasAttention) == [false, true, true, true])
    #expect(unet.hasMiddleBlock && unet.middleBlockHasAttention)
    #expect((0..<4).map(unet.layersPerBlock) == [2, 2, 2, 2])
    #expect((0..<4).map(unet.heads) == [8, 8, 8, 8])
    #expect((0..<4).map { unet.transformerDepth(at: $0, upBlock: 3 - $0) } == [1, 1, 1, 1])
    #expect((0..<4).map(unet.crossAttentionChannels) == [1280, 1280, 1280, 1280])
    #expect(unet.normGroups == 32 && unet.normEpsilon == 1e-5 && unet.activation == "silu")
    #expect(unet.flipSinToCos && unet.frequencyShift == 0 && !unet.usesLinearProjection)
    #expect(unet.downsamplePadding == 1 && unet.midBlockScaleFactor == 1)
    #expect(unet.convInKernel == 3 && unet.convOutKernel == 3)
  }

  @Test("null is like a missing key, except that it can mean no middle block")
  func nulls() throws {
    let unet: UNetConfiguration = try read(
      #"{"sample_size": null, "num_attention_heads": null, "class_embed_type": null, "mid_block_type": null}"#
    )
    #expect(unet.sampleSize == (64, 64) && !unet.hasMiddleBlock && !unet.middleBlockHasAttention)
    let plain: UNetConfiguration = try read(#"{"mid_block_type": "UNetMidBlock2D"}"#)
    #expect(plain.hasMiddleBlock && !plain.middleBlockHasAttention)
  }

  @Test("values can be given once or per block; attention_head_dim is the number of heads")
  func lists() throws {
    let unet: UNetConfiguration = try read(
      #"""
      {"attention_head_dim": [5, 10, 20, 20], "layers_per_block": [1, 2, 3, 4], "sample_size": [48, 96],
       "cross_attention_dim": 1024, "transformer_layers_per_block": [1, 2, 3, 4],
       "reverse_transformer_layers_per_block": [7, 6, 5, 8], "use_linear_projection": true}
      """#)
    #expect((0..<4).map(unet.heads) == [5, 10, 20, 20])
    #expect((0..<4).map(unet.layersPerBlock) == [1, 2, 3, 4])
    #expect(unet.sampleSize == (48, 96) && unet.crossAttentionChannels(at: 3) == 1024)
    #expect((0..<4).map { unet.transformerDepth(at: $0) } == [1, 2, 3, 4])
    #expect((0..<4).map { unet.transformerDepth(at: 3 - $0, upBlock: $0) } == [7, 6, 5, 8])
    let mirrored: UNetConfiguration = try read(#"{"transformer_layers_per_block": [1, 2, 3, 4]}"#)
    #expect((0..<4).map { mirrored.transformerDepth(at: 3 - $0, upBlock: $0) } == [4, 3, 2, 1])
  }

  // diffusers' StableDiffusionPipeline corrects these files in the same way.
  @Test(
    "sizes below 64 from the first versions of diffusers are corrected",
    arguments: [("0.6.0", 64), ("0.2.2", 64), ("0.9.0", 32), ("0.10.0", 32), ("1.0.0", 32), ("odd", 32)])
  func oldSizes(version: String, side: Int) throws {
    let unet: UNetConfiguration = try read(#"{"_diffusers_version": "\#(version)", "sample_size": 32}"#)
    #expect(unet.sampleSize == (side, side))
  }

  @Test("an error names the key of an unsupported or invalid value")
  func refusals() {
    expectRefusal(
      of: [
        (#"{"_class_name": "UNet2DModel"}"#, "UNet2DModel"), (#"{"addition_embed_type": "text_time"}"#, "XL"),
        (#"{"addition_embed_type": "image"}"#, "addition_embed_type"),
        (#"{"num_attention_heads": 8}"#, "num_attention"),
        (#"{"class_embed_type": "timestep"}"#, "class_embed_type"),
        (#"{"num_class_embeds": 1000}"#, "num_class_embeds"),
        (#"{"class_embeddings_concat": true}"#, "class_embeddings_concat"),
        (#"{"encoder_hid_dim": 9}"#, "encoder_hid_dim"),
        (#"{"encoder_hid_dim_type": "text_proj"}"#, "encoder_hid_dim_type"),
        (#"{"time_embedding_type": "fourier"}"#, "fourier"),
        (#"{"time_embedding_dim": 100}"#, "time_embedding_dim"),
        (#"{"time_embedding_act_fn": "silu"}"#, "time_embedding_act_fn"),
        (#"{"timestep_post_act": "silu"}"#, "timestep_post_act"),
        (#"{"resnet_time_scale_shift": "scale_shift"}"#, "scale_shift"),
        (#"{"resnet_skip_time_act": true}"#, "resnet_skip_time_act"),
        (#"{"attention_type": "gated"}"#, "gated"),
        (#"{"resnet_out_scale_factor": 2}"#, "resnet_out_scale_factor"),
        (#"{"dual_cross_attention": true}"#, "dual_cross_attention"),
        (#"{"only_cross_attention": true}"#, "only_cross_attention"),
        (#"{"only_cross_attention": [false, true, false, false]}"#, "only_cross_attention"),
        (#"{"cross_attention_norm": "layer_norm"}"#, "cross_attention_norm"),
        (#"{"center_input_sample": true}"#, "center_input_sample"),
        (#"{"downsample_padding": 0}"#, "downsample_padding"),
        (#"{"act_fn": "mish"}"#, "mish"), (#"{"conv_in_kernel": 5}"#, "conv_in_kernel"),
        (#"{"down_block_types": ["SimpleCrossAttnDownBlock2D"]}"#, "SimpleCrossAttnDownBlock2D"),
        (#"{"up_block_types": ["AttnUpBlock2D"]}"#, "AttnUpBlock2D"),
        (#"{"mid_block_type": "UNetMidBlock2DSimpleCrossAttn"}"#, "SimpleCrossAttn"),
        (#"{"down_block_types": [], "up_block_types": []}"#, "down_block_types"),
        (#"{"block_out_channels": [320, 640]}"#, "block_out_channels"),
        (#"{"up_block_types": ["UpBlock2D"]}"#, "up_block_types"),
        (#"{"layers_per_block": [2, 2]}"#, "layers_per_block"),
        (#"{"attention_head_dim": [8]}"#, "attention_head_dim"),
        (#"{"block_out_channels": [320, 640, 1280, 1281]}"#, "1281"),
        (#"{"attention_head_dim": 7}"#, "attention_head_dim"),
        (#"{"block_out_channels": [320, 640, 1280, 9223372036854775807]}"#, "block_out_channels"),
        (#"{"block_out_channels": [0, 640, 1280, 1280]}"#, "block_out_channels"),
        (#"{"in_channels": -4}"#, "in_channels"),
        (#"{"sample_size": 0}"#, "sample_size"), (#"{"layers_per_block": 1000000}"#, "layers_per_block"),
        (#"{"norm_num_groups": 0}"#, "norm_num_groups"), (#"{"norm_eps": 0}"#, "norm_eps"),
        (#"{"mid_block_scale_factor": 0}"#, "mid_block_scale_factor"),
        (#"{"freq_shift": 160}"#, "freq_shift"),
        (#"{"cross_attention_dim": 0}"#, "cross_attention_dim"),
      ], as: UNetConfiguration.self)
  }
}

@Suite("Configurations of the other parts") struct CheckpointOtherConfigurationTests {
  @Test("the default scaling factor of an autoencoder is Stable Diffusion's")
  func autoencoder() throws {
    let vae: AutoencoderKLConfiguration = try read(
      #"""
      {"down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"],
       "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"],
       "block_out_channels": [128, 256, 512, 512], "layers_per_block": 2, "latents_mean": null}
      """#)
    #expect(vae.scalingFactor == 0.18215 && vae.latentChannels == 4 && vae.downsamplingFactor == 8)
    #expect(vae.usesQuantConvolution && vae.usesPostQuantConvolution && vae.middleBlockHasAttention)
    #expect(vae.normGroups == 32 && vae.layersPerBlock == 2)
    expectRefusal(
      of: [
        (#"{"_class_name": "AutoencoderTiny"}"#, "AutoencoderTiny"),
        (#"{"shift_factor": 0.1}"#, "shift_factor"),
        (#"{"latents_std": [1]}"#, "latents_std"),
        (#"{"down_block_types": ["AttnDownEncoderBlock2D"]}"#, "AttnDown"),
        (#"{"up_block_types": ["UpBlock2D"]}"#, "UpBlock2D"), (#"{"act_fn": "relu"}"#, "relu"),
        (#"{"in_channels": 4}"#, "in_channels"), (#"{"block_out_channels": [33]}"#, "33"),
        (#"{"block_out_channels": [32, 32]}"#, "block_out_channels"),
        (#"{"scaling_factor": 0}"#, "scaling_factor"),
        (#"{"norm_num_groups": -1}"#, "norm_num_groups"), (#"{"layers_per_block": 0}"#, "layers_per_block"),
        (#"{"down_block_types": []}"#, "down_block_types"), (#"{"latent_channels": 0}"#, "latent_channels"),
      ], as: AutoencoderKLConfiguration.self)
  }

  // The defaults of transformers' `CLIPTextConfig`.
  @Test("missing keys of a text encoder have the defaults of transformers")
  func textEncoder() throws {
    let text: TextEncoderConfiguration = try read("{}")
    #expect(text.vocabularySize == 49408 && text.hiddenSize == 512 && text.intermediateSize == 2048)
    #expect(text.layerCount == 12 && text.headCount == 8 && text.positionCount == 77)
    #expect(text.activation == "quick_gelu" && text.normEpsilon == 1e-5)
    expectRefusal(
      of: [
        (#"{"model_type": "t5"}"#, "t5"), (#"{"hidden_act": "relu"}"#, "relu"),
        (#"{"hidden_size": 513}"#, "513"),
        (#"{"vocab_size": 0}"#, "vocab_size"), (#"{"num_hidden_layers": 0}"#, "num_hidden_layers"),
        (#"{"max_position_embeddings": 100000}"#, "max_position_embeddings"),
        (#"{"layer_norm_eps": -1}"#, "layer_norm_eps"),
        (#"{"num_attention_heads": 0}"#, "num_attention_heads"),
        (#"{"intermediate_size": 0}"#, "intermediate_size"),
      ], as: TextEncoderConfiguration.self)
  }

  // The result of diffusers' DDIMScheduler.from_pretrained for the same file.
  @Test("a scheduler of another class keeps its noise schedule; missing keys have DDIM's defaults")
  func schedulers() throws {
    let published: SchedulerConfiguration = try read(
      #"""
      {"_class_name": "PNDMScheduler", "_diffusers_version": "0.7.0.dev0", "beta_end": 0.012,
       "beta_schedule": "scaled_linear", "beta_start": 0.00085, "num_train_timesteps": 1000, "set_alpha_to_one": false,
       "skip_prk_steps": true, "steps_offset": 1, "trained_betas": null}
      """#)
    #expect(published.betaSchedule == "scaled_linear" && published.betaStart == 0.00085)
    #expect(!published.setsAlphaToOne && published.stepsOffset == 1 && published.clipsSample)
    #expect(published.predictionType == "epsilon" && published.timestepSpacing == nil)
    let silent: SchedulerConfiguration = try read("{}")
    #expect(silent.trainingSteps == 1000 && silent.betaSchedule == "linear")
    #expect(silent.betaStart == 1e-4 && silent.betaEnd == 0.02 && silent.trainedBetas == nil)
    #expect(silent.setsAlphaToOne && silent.stepsOffset == 0 && !silent.rescalesToZeroSignal)
    let defaulted: SchedulerConfiguration = try read(
      #"{"_use_default_values": ["set_alpha_to_one"], "set_alpha_to_one": false, "steps_offset": 1}"#)
    #expect(defaulted.setsAlphaToOne && defaulted.stepsOffset == 1)
    expectRefusal(
      of: [
        (#"{"prediction_type": "sample"}"#, "sample"),
        (#"{"beta_schedule": "squaredcos_cap_v2"}"#, "squaredcos"),
        (#"{"timestep_spacing": "karras"}"#, "karras"),
        (#"{"num_train_timesteps": 0}"#, "num_train_timesteps"),
        (#"{"steps_offset": -1}"#, "steps_offset"), (#"{"steps_offset": 1000}"#, "steps_offset"),
        (#"{"trained_betas": [0.1]}"#, "trained_betas"), (#"{"beta_end": 1}"#, "β"),
        (#"{"beta_start": 0}"#, "β"),
        (#"{"rescale_betas_zero_snr": true}"#, "rescale_betas_zero_snr"),
      ], as: SchedulerConfiguration.self)
  }

  // alphas_cumprod of diffusers' DDIMScheduler with these settings.
  @Test("noise levels match diffusers, also with explicit betas or rescaled to zero terminal SNR")
  func noiseLevels() throws {
    func levels(_ json: String) throws -> NoiseSchedule { try NoiseSchedule(read(json)) }
    let rescaled = try levels(
      #"""
      {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "rescale_betas_zero_snr": true,
       "prediction_type": "v_prediction"}
      """#)
    #expect(rescaled.prediction == .velocity && rescaled.alphasCumulative[999] == 0)
    for (timestep, level) in [
      (0, 0.9991499781608582), (1, 0.9982334971427917), (250, 0.6524567604064941), (500, 0.2410186380147934),
      (750, 0.03279908001422882), (981, 6.886567280162126e-05), (998, 1.9679633567193378e-07),
    ] {
      #expect(abs(Double(rescaled.alphasCumulative[timestep]) / level - 1) < 1e-4, "\(timestep)")
    }
    let linear = try levels("{}")
    for (timestep, level) in [
      (0, 0.9998999834060669), (500, 0.07779665291309357), (999, 4.035830352222547e-05),
    ] {
      #expect(abs(Double(linear.alphasCumulative[timestep]) / level - 1) < 1e-5)
    }
    #expect(linear.finalAlpha == .one && linear.prediction == .epsilon)
    let given = try levels(#"{"trained_betas": [0.1, 0.2, 0.5], "num_train_timesteps": 3}"#)
    for (found, expected) in zip(given.alphasCumulative, [0.9, 0.72, 0.36] as [Float]) {
      #expect(abs(found - expected) < 1e-6)
    }
  }
}
