internal import DiffusionCore
internal import Foundation

/// A number that an edit of a benchmark is judged by.
public enum EvaluationMetric: String, Sendable, CaseIterable, Codable, CodingKeyRepresentable {
  /// The signal-to-noise ratio in decibels between source and edit, both black in the region to edit: PIE-Bench's.
  case psnrOutside = "psnr_unedit_part"
  /// The mean squared error of the same pictures, over the whole frame; samples count from 0 to 1. PIE-Bench's.
  case mseOutside = "mse_unedit_part"
  /// The structural similarity of the same pictures: PIE-Bench's.
  case ssimOutside = "ssim_unedit_part"

  /// The mean squared error between the right answer and the edit in the region to edit alone, per sample of it.
  case answerMSEInside = "answer_mse_inside"
  /// The same in decibels.
  case answerPSNRInside = "answer_psnr_inside"
  /// The mean squared error between the right answer and the edit outside of the region alone, per sample of that.
  case answerMSEOutside = "answer_mse_outside"
  /// The same in decibels.
  case answerPSNROutside = "answer_psnr_outside"

  /// The signal-to-noise ratio in decibels between source and reconstruction.
  case reconstructionPSNR = "reconstruction_psnr"
  /// The structural similarity of source and reconstruction.
  case reconstructionSSIM = "reconstruction_ssim"
  /// The signal-to-noise ratio in decibels between the source and what the autoencoder alone makes of it.
  case autoencoderPSNR = "autoencoder_psnr"

  /// The time of inversion and edit together.
  case seconds
  /// Network evaluations forwards, of inversion and edit together.
  case forward
  /// Network evaluations backwards.
  case backward
}

/// What is compared to judge an edit.
struct EvaluatedPictures {
  /// The picture as the model sees it.
  var source: RGBImage
  var reconstruction: RGBImage
  var edited: RGBImage
  var answer: RGBImage?
  /// The region to edit as it was written down, at the size of the pictures.
  var region: RunLengthMask

  /// The metrics of pictures; an absent one does not apply, such as an error against an answer that nobody knows, or
  /// outside of a region that is everything.
  ///
  /// PIE-Bench's are taken with the frame set, the errors against an answer without.
  var metrics: [EvaluationMetric: Double] {
    let mask = region.framed().tensor
    var metrics: [EvaluationMetric: Double] = [
      .psnrOutside: ImageMetrics.psnr(source, edited, masking: mask),
      .mseOutside: ImageMetrics.meanSquaredError(source, edited, masking: mask),
      .ssimOutside: ImageMetrics.ssim(source, edited, masking: mask),
      .reconstructionPSNR: ImageMetrics.psnr(source, reconstruction),
      .reconstructionSSIM: ImageMetrics.ssim(source, reconstruction),
    ]
    if let answer {
      let inside = Self.meanSquaredError(answer, edited, in: region)
      let outside = Self.meanSquaredError(answer, edited, in: region.inverted())
      metrics[.answerMSEInside] = inside
      metrics[.answerPSNRInside] = ImageMetrics.decibels(ofMeanSquaredError: inside)
      metrics[.answerMSEOutside] = outside
      metrics[.answerPSNROutside] = ImageMetrics.decibels(ofMeanSquaredError: outside)
    }
    return metrics.filter { !$0.value.isNaN }
  }

  /// The mean of the squared differences of the samples inside a region; not-a-number if it is empty.
  static func meanSquaredError(_ a: RGBImage, _ b: RGBImage, in region: RunLengthMask) -> Double {
    let count = region.pixelCount
    guard count > 0 else { return .nan }
    let overFrame = ImageMetrics.meanSquaredError(a, b, masking: region.inverted().tensor)
    return overFrame * Double(region.pixels.count) / Double(count)
  }
}

extension ImageMetrics {
  /// A mean squared error of samples from 0 to 1 as a signal-to-noise ratio.
  fileprivate static func decibels(ofMeanSquaredError error: Double) -> Double { -10 * log10(error) }
}
