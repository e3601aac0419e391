/// A way of filling an `Inversion`: which null embeddings make the guided walk follow the picture.
///
/// Costs are in evaluations of the network, for T steps, forwards and backwards; every one of them includes the T of the
/// pivots. `Docs/Methods.md` compares them.
public enum InversionMethod: String, Sendable, Codable, CaseIterable {
  /// Fits one null embedding per step so that the guided walk stays on the pivots (Mokady et al. 2022).
  ///
  /// 3T + n forwards and n backwards, n ≤ 10 T. Choose it when the reconstruction must hold under full guidance, with
  /// any editor.
  case nullText
  /// Takes the caption's own embedding as the null embedding, where guidance cancels (Miyake et al. 2023).
  ///
  /// 2T forwards, 3T with an interpolation. Choose it for speed, where a slightly weaker reconstruction is enough.
  case negativePrompt
  /// Replays the pivots as the source of every edit, with the embedding of the empty text (Ju et al. 2023).
  ///
  /// T forwards. The source is exact by construction; choose it where edits with attention control are all that is wanted.
  case direct
  /// Walks with the embedding of the empty text, with no optimisation at all.
  ///
  /// 3T forwards. The baseline: under guidance it drifts away from the picture.
  case ddim
  /// Fits one null embedding for all steps together, in sweeps over the whole walk.
  ///
  /// 3T forwards and 3T more for each sweep, T for each backwards. The paper's ablation: the smallest result, and slow to converge.
  case globalNullText
}
