internal import DiffusionCore
internal import Foundation

/// A metric of an edit in a benchmark.
public enum EvaluationMetric: String, Sendable, CaseIterable, Codable, CodingKeyRepresentable {
  /// PIE-Bench's PSNR in dB between source and edit, with the region to edit black in both.
  case psnrOutside = "psnr_unedit_part"
  /// PIE-Bench's mean squared error of the same pictures over all their pixels, with samples from 0 to 1.
  case mseOutside = "mse_unedit_part"
  /// PIE-Bench's structural similarity of the same pictures.
  case ssimOutside = "ssim_unedit_part"

  /// The mean squared error between ground truth and edit inside the region to edit, with samples from 0 to 1.
  case answerMSEInside = "answer_mse_inside"
  /// The PSNR in dB of `answerMSEInside`.
  case answerPSNRInside = "answer_psnr_inside"
  /// The mean squared error between ground truth and edit outside the region to edit, with samples from 0 to 1.
  case answerMSEOutside = "answer_mse_outside"
  /// The PSNR in dB of `answerMSEOutside`.
  case answerPSNROutside = "answer_psnr_outside"

  /// The PSNR in dB between source and reconstruction.
  case reconstructionPSNR = "reconstruction_psnr"
  /// The structural similarity of source and reconstruction.
  case reconstructionSSIM = "reconstruction_ssim"
  /// The PSNR in dB between the source and its reconstruction by the autoencoder alone.
  case autoencoderPSNR = "autoencoder_psnr"

  /// The time of inversion and edit in seconds.
  case seconds
  /// The number of forward evaluations of inversion and edit.
  case forward
  /// The number of backward evaluations of inversion and edit.
  case backward
}

/// The pictures from which the metrics of an edit are computed.
struct EvaluatedPictures {
  /// The picture as the model sees it.
  var source: RGBImage
  var reconstruction: RGBImage
  var edited: RGBImage
  /// The ground truth; nil if it is not known.
  var answer: RGBImage?
  /// The region to edit as in the record, at the size of the pictures, without the frame that PIE-Bench adds.
  var region: RunLengthMask

  /// The metrics of the pictures.
  ///
  /// Metrics that do not apply are absent, such as errors against an unknown ground truth, or errors outside a region that
  /// covers the whole picture. PIE-Bench's metrics use the region with PIE-Bench's frame; errors against the ground truth
  /// use the region without it.
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

  /// Returns the mean squared error of the samples in a region; NaN if the region is empty.
  static func meanSquaredError(_ a: RGBImage, _ b: RGBImage, in region: RunLengthMask) -> Double {
    let count = region.pixelCount
    guard count > 0 else { return .nan }
    let overFrame = ImageMetrics.meanSquaredError(a, b, masking: region.inverted().tensor)
    return overFrame * Double(region.pixels.count) / Double(count)
  }
}

extension ImageMetrics {
  /// Returns the PSNR in dB of a mean squared error of samples from 0 to 1: −10 log₁₀(error).
  fileprivate static func decibels(ofMeanSquaredError error: Double) -> Double { -10 * log10(error) }
}
