internal import DiffusionCore
internal import Tensor

/// A score of an edit that needs no reference image.
///
/// It separates variants that miss the new words or change the rest of the image from better ones. It does not
/// measure image quality: a weak edit in the right place scores higher than a good one that changes its surroundings.
public struct EditScore: Sendable, Hashable, Codable {
  /// How well the rest of the image is kept: the structural similarity to the reconstruction outside the attention to
  /// the changed words; 1 if their attention covers the whole image.
  public let kept: Double
  /// How much the attended region changed: 1 minus the structural similarity there.
  public let changed: Double
  /// The share of the attention to the new words that lies where it exceeds its threshold, averaged over the words;
  /// nil without new words.
  public let attended: Double?

  /// The score for ranking, higher is better: `kept` times `attended`, or times the square root of `changed` without
  /// new words.
  public var total: Double { kept * (attended ?? changed.squareRoot()) }

  /// The share of a word's maximum attention above which a place counts as attended: the default of local blends.
  private static let threshold: Float = 0.3

  /// Scores an edit.
  ///
  /// - Parameters:
  ///   - original: The image before the edit, of the same size.
  ///   - source: The attention maps of the source under its caption.
  ///   - target: The attention maps of the edit under its prompt.
  /// - Throws: `InputError` if a changed word has no attention map.
  init(
    of edited: RGBImage, from original: RGBImage, _ change: PromptChange, source: AttentionMaps,
    target: AttentionMaps
  ) throws {
    let old = try change.source.map { try source.map(of: $0) }
    let new = try change.target.map { try target.map(of: $0) }
    let region = Self.region((old + new).map(Self.marks), width: edited.width, height: edited.height)
    // SSIM counts a region that is black in both images as equal, so differences are rescaled by the region's share.
    let (outside, whole) = (region.scalars.reduce(0, +), Float(region.count))
    let (inside, all) = (whole - outside, Double(whole))
    func difference(_ mask: Tensor, _ count: Float) -> Double {
      guard count > 0 else { return 0 }
      let similarity = ImageMetrics.ssim(original, edited, masking: mask)
      return similarity.isNaN ? 0 : min(1, max(0, (1 - similarity) * all / Double(count)))
    }
    kept = 1 - difference(region.mapped { 1 - $0 }, outside)
    changed = difference(region, inside)
    let shares = new.map { map -> Double in
      let marks = Self.marks(map)
      let (within, sum) = zip(map.scalars, marks.scalars).reduce((0.0, 0.0)) { sums, place in
        (sums.0 + Double(place.0 * place.1), sums.1 + Double(place.0))
      }
      return sum > 0 ? within / sum : 0
    }
    attended = shares.isEmpty ? nil : shares.reduce(0, +) / Double(shares.count)
  }

  /// Returns 1 where a map exceeds the threshold share of its maximum, 0 elsewhere.
  private static func marks(_ map: Tensor) -> Tensor {
    let limit = threshold * map.maximum
    return map.mapped { $0 > limit ? 1 : 0 }
  }

  /// Returns 0 at pixels covered by any of the marks and 1 elsewhere; 0 everywhere if there are no marks.
  private static func region(_ marks: [Tensor], width: Int, height: Int) -> Tensor {
    Tensor(shape: [height, width]) { region in
      region.initialize(repeating: marks.isEmpty ? 0 : 1)
      for map in marks {
        let (rows, columns) = map.shape2
        map.withScalars { marks in
          for y in 0..<height {
            for x in 0..<width where marks[y * rows / height * columns + x * columns / width] > 0 {
              region[y * width + x] = 0
            }
          }
        }
      }
    }
  }
}
